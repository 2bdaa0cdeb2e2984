import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { claimDue, type WakeUp } from '../../src/db/due/due.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { lockProvider } from '../../src/db/providers/subscriptions.ts'
import type { Sms } from '../../src/gateways/textmagic.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { FinalError } from '../../src/workers/errors.ts'
import { sendTeaser } from '../../src/workers/jobs/send-teaser.ts'
import { unsubscribeNumber } from '../../src/workers/jobs/unsubscribe-number.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Json, type Product, startProduct } from '../support/product.ts'
import {
  DETAILS,
  HELP,
  LINK,
  newProvider,
  START_CONFIRMATION,
  STOP_CONFIRMATION,
  TEASER,
  type TestProvider,
} from '../support/provider.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, failedJob, hurryUntil, openKinds, somebodyWaits } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const REFUSES_TO_UNSUBSCRIBE = {
  method: 'POST',
  path: '/api/v2/unsubscribers',
  kind: 'status',
  status: 400,
  times: null,
} as const
/** Whether the gateway is to be told of an opt-out, and the escalation of a person who is to tell it. */
async function untold(provider: TestProvider): Promise<{ due: boolean; escalation: number | null }> {
  const [row] = await product.rows<{ due: boolean; escalation: number | null }>(
    `select gateway_unsubscribe_due as due, (select e.id from escalations e where kind = 'unsubscribe_failed'
       and subject = 'provider:' || p.id and resolved_at is null) as escalation from providers p where id = ?`,
    [provider.id],
  )
  if (row === undefined) throw new Error(`no provider ${provider.id}`)
  return row
}

async function confirmationTo(provider: TestProvider) {
  const [row] = await product.rows<{ id: number; status: string; next_attempt_at: string }>(
    `select id, status, next_attempt_at::text from outbound_messages where provider_id = ? and purpose = 'stop_confirmation'`,
    [provider.id],
  )
  if (row === undefined) throw new Error(`no confirmation to ${provider.id}`)
  return row
}

describe('STOP', () => {
  it('closes every open unlock and its link, and is confirmed once', async () => {
    const dana = await newProvider(product)
    const waiting = await dana.hasTeaser()
    const linked = await dana.hasLink()
    const page = await product.stripe.openSession(linked.url)
    await dana.says('STOP')
    await product.reaches(waiting.unlockId, 'OPTED_OUT')
    await product.reaches(linked.unlockId, 'OPTED_OUT')
    await dana.gets(STOP_CONFIRMATION)
    await settled(product)
    expect(product.stripe.sessions().find(({ id }) => id === page.id)?.status).toBe('expired')
    expect(dana.inbox(STOP_CONFIRMATION)).toHaveLength(1)
  })

  it('is followed by nothing: neither answers, nor offers, nor a second confirmation', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasLink()
    await dana.says('stop')
    for (const text of ['Y', `Y ${leadId}`, 'N', 'HELP', 'STOP', 'stop all', `what is ${leadId}?`])
      await dana.texts(text)
    const answer = await product.api('POST', `/api/leads/${leadId}/send`, { provider_ids: [dana.id] })
    expect(answer.body.skipped).toEqual([{ provider_id: dana.id, reason: 'opted_out' }])
    await settled(product)
    expect(dana.inbox(STOP_CONFIRMATION)).toHaveLength(1)
    expect(dana.inbox(HELP)).toHaveLength(0)
    expect(dana.inbox().at(-1)).toMatch(STOP_CONFIRMATION)
    expect(await product.statusOf(unlockId)).toBe('OPTED_OUT')
  })

  it('leaves what was paid for alone', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasDetails()
    await dana.says('UNSUBSCRIBE')
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('DONE')
    expect(product.stripe.refunds().filter(({ metadata }) => metadata?.lead_id === leadId)).toEqual([])
    expect((await product.api('POST', `/api/unlocks/${unlockId}/retry-reveal`)).status).toBe(409)
  })

  it('keeps a teaser back that waits to be sent', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: 2 })
    const { unlockId } = await dana.isOffered()
    await until('the failed attempt', async () => (await product.unlock(unlockId)).messages[0].error_code !== null)
    await dana.says('STOP')
    product.textmagic.faults.clear()
    await settled(product)
    expect(dana.inbox(TEASER)).toHaveLength(1)
    expect(await product.statusOf(unlockId)).toBe('OPTED_OUT')
  })

  it('keeps a text back that the gateway has refused with our sender, and that waits to be sent without it', async () => {
    const dana = await newProvider(product)
    const teasers = product.publisher.queues.get('send-teaser')
    onTestFinished(() => teasers?.resume())
    await teasers?.pause()
    const { unlockId } = await dana.isOffered()
    product.textmagic.configure({ rejectFrom: true })
    await withServices(product, async (services) => {
      const send = async (sms: Sms) => {
        try {
          return await services.textmagic.send(sms)
        } finally {
          await dana.says('STOP')
        }
      }
      const attempted = { ...services, textmagic: { ...services.textmagic, send } }
      await makeAttempt(attempted, sendTeaser, { id: '1', data: { unlock_id: unlockId }, number: 1, of: 14 })
    })
    await dana.gets(STOP_CONFIRMATION)
    expect(dana.inbox(TEASER)).toHaveLength(0)
    expect(await product.statusOf(unlockId)).toBe('OPTED_OUT')
  })

  it('by a word TextMagic does not know is reported to it, after the confirmation', async () => {
    for (const word of ['REVOKE', 'Opt out']) {
      const dana = await newProvider(product)
      await dana.hasTeaser()
      await dana.says(word)
      await until('TextMagic to be told', () => product.textmagic.isUnsubscribed(dana.phone))
      const [confirmation] = product.textmagic.messages().filter(({ text, phone }) => {
        return phone === dana.phone && STOP_CONFIRMATION.test(text)
      })
      expect(confirmation?.rejectReason).toBeNull()
    }
  })

  it('by a word TextMagic does not know is reported to it though the confirmation waits for a person', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: null })
    await dana.says('revoke')
    await hurryUntil(product, 'send-notice', 'the confirmation to be given up', async () => {
      return (await confirmationTo(dana)).next_attempt_at >= '9998'
    })
    product.textmagic.faults.clear()
    await hurryUntil(product, 'unsubscribe-number', 'TextMagic to be told', () => {
      return product.textmagic.isUnsubscribed(dana.phone)
    })
  })

  it('whose confirmation TextMagic refuses calls nobody: it may have blocked the number', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    product.textmagic.faults.add({ kind: 'status', status: 400, method: 'POST', path: '/api/v2/messages', times: null })
    await dana.says('STOP')
    await until('the refusal', async () => (await confirmationTo(dana)).status === 'failed')
    const { id } = await confirmationTo(dana)
    await failedJob(product, 'send-notice', { message_id: id })
    expect(await product.rows('select from escalations where subject = ?', [`message:${id}`])).toEqual([])
  })

  it('that TextMagic refuses to be told of calls a person once, whose retry in Bull Board tells it', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    product.textmagic.faults.add(REFUSES_TO_UNSUBSCRIBE)
    await dana.says('revoke')
    await dana.gets(STOP_CONFIRMATION)
    const job = await failedJob(product, 'unsubscribe-number', { provider_id: dana.id })
    const escalation = async (open: boolean) => {
      const rows = await product.rows(
        `select from escalations where kind = 'unsubscribe_failed' and subject = ? and resolved_at is null = ?`,
        [`provider:${dana.id}`, open],
      )
      return rows.length === 1
    }
    await until('a person to be called', () => escalation(true))
    let due: WakeUp[] | null = null
    await until('no other sweep to be at it', async () => {
      due = await inTransaction(product.db.em, (tx) => claimDue(tx, 200))
      return due !== null
    })
    expect(due).toEqual([])
    product.textmagic.faults.clear()
    await job.retry()
    await until('TextMagic to be told', () => product.textmagic.isUnsubscribed(dana.phone))
    await until('the escalation to be resolved', () => escalation(false))
  })

  it.each([
    [
      'after START',
      async (dana: TestProvider) => {
        await dana.says('start')
        await dana.gets(START_CONFIRMATION)
      },
    ],
    [
      'when a person has seen to the first',
      async (dana: TestProvider, escalationId: number) => {
        expect((await product.api('POST', `/api/escalations/${escalationId}/resolve`, {})).status).toBe(200)
        expect((await untold(dana)).due).toBe(false)
      },
    ],
  ])(
    'that TextMagic refused to be told of and that is said again %s reaches it, though Redis loses the job',
    async (_when, meanwhile) => {
      const dana = await newProvider(product)
      await dana.hasTeaser()
      product.textmagic.faults.add(REFUSES_TO_UNSUBSCRIBE)
      await dana.says('revoke')
      await failedJob(product, 'unsubscribe-number', { provider_id: dana.id })
      const open = async () => (await untold(dana)).escalation
      await until('a person to be called', async () => (await open()) !== null)
      await until('nobody else to try it', async () => {
        const jobs = await product.publisher.queues
          .get('unsubscribe-number')
          ?.getJobCounts('active', 'waiting', 'delayed')
        return Object.values(jobs ?? {}).every((count) => count === 0)
      })
      product.textmagic.faults.clear()
      await meanwhile(dana, Number(await open()))
      expect(await open()).toBeNull()
      const queue = product.publisher.queues.get('unsubscribe-number')
      await queue?.pause()
      await dana.says('revoke')
      await queue?.obliterate({ force: true })
      await queue?.resume()
      await until('TextMagic to be told', () => product.textmagic.isUnsubscribed(dana.phone))
    },
  )

  it('that is undone by START while TextMagic is asked in vain for the last time calls nobody', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    const queue = product.publisher.queues.get('unsubscribe-number')
    await queue?.pause()
    onTestFinished(() => queue?.resume())
    await dana.says('revoke')
    const inVain = async () => {
      await dana.says('start')
      throw new FinalError('invalid_request')
    }
    await withServices(product, async (services) => {
      const attempt = { id: '1', data: { provider_id: dana.id }, number: 14, of: 14 }
      const outcome = await makeAttempt(services, { ...unsubscribeNumber, run: inVain }, attempt)
      expect(outcome).toMatchObject({ type: 'given_up' })
    })
    expect(await untold(dana)).toEqual({ due: false, escalation: null })
  })

  it('that only TextMagic saw is learnt from the receipt of the next text', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasLink()
    product.textmagic.unsubscribe(dana.phone)
    await dana.says('Y')
    await product.reaches(unlockId, 'OPTED_OUT')
    await settled(product)
    expect(dana.inbox(STOP_CONFIRMATION)).toHaveLength(0)
    expect(product.textmagic.isUnsubscribed(dana.phone)).toBe(true)
    expect(await dana.isOptedOut()).toBe(true)
  })

  it('that only TextMagic saw is stored together with what became of the text: nobody asks about that again', async () => {
    const dana = await newProvider(product)
    product.textmagic.configure({ receipts: 'manual' })
    const { unlockId } = await dana.hasLink()
    const link = product.textmagic.messages().find(({ phone, text }) => phone === dana.phone && LINK.test(text))
    await inTransaction(product.db.em, async (tx) => {
      await lockProvider(tx, dana.id)
      await product.textmagic.deliver(link?.id ?? 0, 'j', 'g')
      await somebodyWaits(product)
      const text = await product.rows(`select delivery_status from outbound_messages where gateway_id = ?`, [
        String(link?.id),
      ])
      expect(text).toEqual([{ delivery_status: null }])
    })
    await product.reaches(unlockId, 'OPTED_OUT')
    expect(await dana.isOptedOut()).toBe(true)
  })

  it('between payment and reveal gives the money back, and a person hears of it', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: 2 })
    const { paymentIntent } = await product.stripe.payLink(url)
    await until('the failed reveal', async () =>
      (await product.unlock(unlockId)).messages.some(
        (message: { purpose: string; error_code: string | null }) =>
          message.purpose === 'reveal' && message.error_code !== null,
      ),
    )
    await dana.says('STOP')
    product.textmagic.faults.clear()
    await product.reaches(unlockId, 'OPTED_OUT')
    await escalated(product, unlockId, 'opted_out_before_reveal')
    await until('the refund', () => product.stripe.refunds().some((one) => one.payment_intent === paymentIntent.id))
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    await dana.gets(STOP_CONFIRMATION)
  })

  it('while the outcome of the reveal is unclear: of details that turn out not to have gone out the money goes back', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await settled(product)
    product.textmagic.faults.add({ kind: 'drop', method: 'POST', path: '/api/v2/messages' })
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'GET', path: '/api/v2/sessions', times: null })
    const { paymentIntent } = await product.stripe.payLink(url)
    await until('the unclear send', async () => {
      const { messages } = await product.unlock(unlockId)
      return messages.some(({ purpose, status }: Json) => purpose === 'reveal' && status === 'unknown')
    })
    await dana.says('STOP')
    expect(await product.statusOf(unlockId)).toBe('PAID')
    product.textmagic.faults.clear()
    await hurryUntil(product, 'reveal', 'the refund', () => {
      return product.stripe.refunds().some((one) => one.payment_intent === paymentIntent.id)
    })
    await product.reaches(unlockId, 'OPTED_OUT')
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual(['opted_out_before_reveal'])
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('while the outcome of the reveal is unclear: the details that arrived are what was paid for', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.configure({ receipts: 'manual' })
    product.textmagic.faults.add({ kind: 'accept_then_drop', method: 'POST', path: '/api/v2/messages' })
    await product.stripe.payLink(url)
    await dana.gets(DETAILS)
    product.textmagic.configure({ receipts: 'auto' })
    await dana.says('STOP')
    await product.reaches(unlockId, 'REVEAL_DETAILS_SENT')
    const reveal = product.textmagic.messages().find(({ text, phone }) => phone === dana.phone && DETAILS.test(text))
    await product.textmagic.deliver(reveal?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })
})
