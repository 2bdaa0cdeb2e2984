import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { callbackUrls } from '../../src/sandbox/environment.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DECLINED, DETAILS, EXPIRED, handled, LINK, newProvider, STRANGER } from '../support/provider.ts'
import { refundsOf } from '../support/refunds.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, moveClock, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

/** Seconds after which an open link is asked about. */
const BEYOND_GRACE = 60
/** Seconds after which an open link is asked about again. */
const BEYOND_LINK_TURN = 700
/** Longer than clocks may differ. */
const MINUTES_AGO = 300_000

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { BACKFILL_MINUTES: '0.02' } })
})
beforeEach(async () => {
  listen()
  await calm(product)
})
afterAll(() => closeChecked(product))

const urls = () => callbackUrls(product.url, product.secrets)

function listen(): void {
  product.textmagic.setCallbacks({ inboundUrl: urls().inbound })
  product.stripe.setWebhook({ url: urls().stripe })
}

/** As if we were down and TextMagic had given up on our callback URL. */
function goDeafToTexts(): void {
  product.textmagic.setCallbacks({ inboundUrl: null })
}

/** The gateway lists no replies until the fault is cleared. */
function keepReplies(): void {
  product.textmagic.faults.add({ method: 'GET', path: '/api/v2/replies', kind: 'status', status: 500, times: null })
}

/** Every event is accepted by somebody, and none of them reaches us. */
async function loseEvents(): Promise<void> {
  const somebody = createServer((_request, response) => response.writeHead(204).end())
  await new Promise<void>((resolve) => somebody.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    somebody.closeAllConnections()
    somebody.close()
  })
  const { port } = somebody.address() as AddressInfo
  product.stripe.setWebhook({ url: `http://127.0.0.1:${port}` })
}

/** Stripe lists no events: one that is not delivered yet would tell of a payment before what comes next has become of it. */
function hideEvents(): void {
  product.stripe.faults.add({ method: 'GET', path: '/v1/events', kind: 'status', status: 404, times: null })
}

/** A provider pays, what becomes of the payment follows, and we hear of none of it. */
async function paysUnheard(follows: (intentId: string) => Promise<unknown>) {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  await loseEvents()
  const { paymentIntent } = await product.stripe.payLink(url)
  await follows(paymentIntent.id)
  await product.stripe.webhooksIdle()
  await moveClock(product, BEYOND_GRACE)
  return { dana, unlockId }
}
const { becomes, settleRefundOf } = refundsOf(() => product)
const paymentOf = async (unlockId: number) => (await product.unlock(unlockId)).payments[0]

/** As if the teaser had been sent long ago. */
const longAgo = (unlockId: number) =>
  product.rows(`update lead_unlocks set teaser_sent_at = app_now() - interval '1 hour' where id = ?`, [unlockId])

/** Its TTL passes, and a reply finds that out: its own job could not close it, and waits for a person. */
async function leaveToReply(unlockId: number): Promise<void> {
  await product.rows(`insert into escalations (kind, subject, summary) values ('expire_failed', ?, 'as if')`, [
    `unlock:${unlockId}`,
  ])
  await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
}

/** Postgres refuses to store this one. @param because what it raises @returns ends it */
async function refuseToStore(externalId: string, because = 'check_violation'): Promise<() => Promise<void>> {
  await product.rows(`
    create function refuse_to_store() returns trigger language plpgsql as $$ begin raise ${because}; end $$;
    create trigger refuse_to_store before insert on webhook_inbox for each row
      when (new.external_id = '${externalId}') execute function refuse_to_store()`)
  const end = async () => {
    await product.rows('drop function if exists refuse_to_store cascade')
  }
  onTestFinished(end)
  return end
}

describe('texts that no callback brought', () => {
  it('are fetched, and answered once', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    const id = await dana.texts('Y')
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    listen()
    await dana.texts('Y', { id })
    await settled(product)
    expect(dana.inbox(LINK)).toHaveLength(1)
  })

  it('are handled in the order they were sent', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    await dana.texts('Y')
    await dana.texts('N')
    await dana.gets(DECLINED)
    await product.reaches(unlockId, 'EXPIRED')
  })

  it.each(['Y', 'N'] as const)(
    'answer the offer that they were texted for, not one that came since: %s',
    async (text) => {
      const dana = await newProvider(product)
      const { unlockId } = await dana.hasTeaser()
      goDeafToTexts()
      keepReplies()
      await dana.texts(text, { at: new Date(Date.now() - MINUTES_AGO) })
      await longAgo(unlockId)
      const newer = await dana.hasTeaser()
      product.textmagic.faults.clear()
      await product.reaches(unlockId, text === 'Y' ? 'AWAITING_PAYMENT' : 'EXPIRED')
      expect((await product.unlock(newer.unlockId)).unlock.status).toBe('AWAIT_CONFIRM')
    },
  )

  it('say N to nothing when the offer that they were texted for has ended since', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    keepReplies()
    const text = await dana.texts('N', { at: new Date(Date.now() - MINUTES_AGO) })
    await longAgo(unlockId)
    await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
    await product.reaches(unlockId, 'EXPIRED')
    const newer = await dana.hasTeaser()
    product.textmagic.faults.clear()
    expect(await handled(product, text)).toBe('forwarded')
    expect((await product.unlock(newer.unlockId)).unlock.status).toBe('AWAIT_CONFIRM')
  })

  it.each(['Y', 'N'] as const)(
    'answer no older offer in place of the one that they were texted for, which was declined since: %s',
    async (text) => {
      const dana = await newProvider(product)
      const older = await dana.hasTeaser()
      const newer = await dana.hasTeaser()
      await longAgo(older.unlockId)
      await longAgo(newer.unlockId)
      goDeafToTexts()
      keepReplies()
      const late = await dana.texts(text, { at: new Date(Date.now() - MINUTES_AGO) })
      listen()
      await dana.says(`N ${newer.leadId}`)
      product.textmagic.faults.clear()
      await handled(product, late)
      await settled(product)
      expect((await product.unlock(older.unlockId)).unlock.status).toBe('AWAIT_CONFIRM')
      expect((await product.unlock(newer.unlockId)).unlock.status).toBe('EXPIRED')
      expect(dana.inbox(LINK)).toEqual([])
      expect(dana.inbox(DECLINED)).toHaveLength(1)
    },
  )

  it('say that the lead has expired which they were texted for, though an older one is on offer', async () => {
    const dana = await newProvider(product)
    const older = await dana.hasTeaser()
    const newer = await dana.hasTeaser()
    await longAgo(older.unlockId)
    await longAgo(newer.unlockId)
    goDeafToTexts()
    keepReplies()
    await dana.texts('Y', { at: new Date(Date.now() - MINUTES_AGO) })
    await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [newer.unlockId])
    await product.reaches(newer.unlockId, 'EXPIRED')
    product.textmagic.faults.clear()
    expect(await dana.gets(EXPIRED)).toContain(newer.leadId)
    expect((await product.unlock(older.unlockId)).unlock.status).toBe('AWAIT_CONFIRM')
  })

  it.each(['Y', 'N'])(
    'answer no older offer in place of the one whose lead the text before has found expired: Y and %s',
    async (second) => {
      const dana = await newProvider(product)
      const older = await dana.hasTeaser()
      const newer = await dana.hasTeaser()
      await longAgo(older.unlockId)
      await longAgo(newer.unlockId)
      goDeafToTexts()
      keepReplies()
      await dana.texts('Y', { at: new Date(Date.now() - MINUTES_AGO) })
      const last = await dana.texts(second, { at: new Date(Date.now() - MINUTES_AGO + 5_000) })
      await leaveToReply(newer.unlockId)
      product.textmagic.faults.clear()
      await handled(product, last)
      await settled(product)
      expect((await product.unlock(newer.unlockId)).timeline.at(-1)).toMatchObject({
        to_status: 'EXPIRED',
        cause: 'reply',
      })
      expect((await product.unlock(older.unlockId)).unlock.status).toBe('AWAIT_CONFIRM')
    },
  )

  it('do not undo what was texted after them', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    await longAgo(unlockId)
    goDeafToTexts()
    keepReplies()
    const older = await dana.texts(`N ${leadId}`, { at: new Date(Date.now() - MINUTES_AGO) })
    listen()
    await dana.says(`Y ${leadId}`)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    product.textmagic.faults.clear()
    await handled(product, older)
    await settled(product)
    expect((await product.unlock(unlockId)).unlock.status).toBe('AWAITING_PAYMENT')
    expect(dana.inbox(DECLINED)).toEqual([])
  })

  it('count though a hundred others came after them', { timeout: 60_000 }, async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    await dana.texts('Y')
    for (let number = 1; number <= 101; number += 1) {
      await product.textmagic.reply({ from: STRANGER, text: `question ${number}` })
    }
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    const forwards = () => product.forwarded.filter(({ body }) => body.includes('question '))
    // The Y may be found by an earlier run than the last of them.
    await until('all to be forwarded', () => forwards().length >= 101)
    await settled(product)
    expect(forwards()).toHaveLength(101)
  })

  it('count though a hundred newer ones came by callback before the gateway could be asked', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    keepReplies()
    goDeafToTexts()
    await dana.texts('Y')
    listen()
    for (let number = 1; number <= 101; number += 1) {
      await product.textmagic.reply({ from: STRANGER, text: `remark ${number}` })
    }
    product.textmagic.faults.clear()
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })

  it('are stored in the order they were sent though they are listed on different pages', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    keepReplies()
    goDeafToTexts()
    const first = await dana.texts('What is this?')
    for (let number = 1; number <= 101; number += 1) {
      await product.textmagic.reply({ from: STRANGER, text: `complaint ${number}` })
    }
    const last = await dana.texts('Who are you?')
    product.textmagic.faults.clear()
    const stored = () =>
      product.rows<{ external_id: string }>(
        'select external_id from webhook_inbox where external_id in (?, ?) order by id',
        [String(first), String(last)],
      )
    await until('both texts', async () => (await stored()).length === 2)
    expect((await stored()).map(({ external_id }) => external_id)).toEqual([String(first), String(last)])
  })

  it('count though the clock of the gateway is behind ours, and has whole seconds only', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    const [first] = await product.rows<{ at: Date }>('select min(created_at) as at from leads')
    await dana.texts('Y', { at: new Date(new Date(first?.at ?? Number.NaN).getTime() - 60_000) })
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })

  it('count though one before them cannot be stored, which is tried again', async () => {
    const [dana, eve] = [await newProvider(product), await newProvider(product)]
    const { unlockId: refused } = await dana.hasTeaser()
    const { unlockId: newer } = await eve.hasTeaser()
    keepReplies()
    goDeafToTexts()
    const id = await dana.texts('Y')
    await eve.texts('Y')
    const storable = await refuseToStore(String(id))
    product.textmagic.faults.clear()
    await product.reaches(newer, 'AWAITING_PAYMENT')
    await storable()
    await product.reaches(refused, 'AWAITING_PAYMENT')
  })

  it('say STOP as well as any other', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasLink()
    goDeafToTexts()
    await dana.texts('STOP')
    await product.reaches(unlockId, 'OPTED_OUT')
  })

  it('do not count when they were sent before there was any lead', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    goDeafToTexts()
    const old = await dana.texts('Y', { at: new Date('2020-01-01T00:00:00Z') })
    const newer = await dana.texts('Is anybody there?')
    await until('the newer text', async () => {
      const [row] = await product.rows('select 1 from webhook_inbox where external_id = ?', [String(newer)])
      return row !== undefined
    })
    expect(await product.rows('select 1 from webhook_inbox where external_id = ?', [String(old)])).toEqual([])
  })
})

describe('payments of which no webhook told', () => {
  it('are fetched from the events that were not delivered', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.stripe.holdWebhooks()
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
    await product.stripe.releaseWebhooks({ duplicate: true })
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('are found on their links, whatever became of the events', async () => {
    const { dana, unlockId } = await paysUnheard(async () => undefined)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('are found as their link is closed, whatever became of the events', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await loseEvents()
    const { paymentIntent } = await product.stripe.payLink(url)
    const path = `/v1/payment_intents/${paymentIntent.id}`
    product.stripe.faults.add({ method: 'GET', path, kind: 'status', status: 500, times: 1 })
    await dana.texts(`N ${leadId}`)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('are asked for no more as their link is closed when they are known', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    await until('the link to be closed', async () => {
      const [link] = await product.rows<{ status: string }>('select status from payment_links where unlock_id = ?', [
        unlockId,
      ])
      return link?.status === 'closed'
    })
    const [payment] = await product.rows<{ checkout_session_id: string }>(
      'select checkout_session_id from payments where unlock_id = ?',
      [unlockId],
    )
    const found = await product.rows('select from webhook_inbox where external_id = ?', [
      `backfill:${payment?.checkout_session_id}`,
    ])
    expect(found).toHaveLength(0)
  })

  it('are found on their links though Stripe does not know another one', async () => {
    const eve = await newProvider(product)
    const { unlockId: unknown } = await eve.hasLink()
    const [link] = await product.rows<{ id: number; stripe_id: string }>(
      'select id, stripe_id from payment_links where unlock_id = ?',
      [unknown],
    )
    const rename = (stripeId: string | undefined) =>
      product.rows('update payment_links set stripe_id = ? where id = ?', [stripeId, link?.id])
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await rename('plink_of_another_account')
    await loseEvents()
    await product.stripe.payLink(url)
    await product.stripe.webhooksIdle()
    await moveClock(product, BEYOND_GRACE)
    await product.reaches(unlockId, 'DONE')
    await rename(link?.stripe_id)
  })

  it.each([
    ['Stripe fails whenever it is asked about another one', { status: 500 }],
    ['what Stripe answers about another one cannot be read', { status: 200, body: {} }],
  ])('are found on their links though %s', async (_trouble, answer) => {
    const [eve, dana] = [await newProvider(product), await newProvider(product)]
    const [odd, sound] = [await eve.hasLink(), await dana.hasLink()]
    await loseEvents()
    const { paymentIntent } = await product.stripe.payLink(odd.url)
    const path = `/v1/payment_intents/${paymentIntent.id}`
    product.stripe.faults.add({ method: 'GET', path, kind: 'status', ...answer, times: null })
    await product.stripe.payLink(sound.url)
    await product.stripe.webhooksIdle()
    await moveClock(product, BEYOND_GRACE)
    await product.reaches(sound.unlockId, 'DONE')
    product.stripe.faults.clear()
    await moveClock(product, BEYOND_LINK_TURN)
    await product.reaches(odd.unlockId, 'DONE')
  })

  it('reveal nothing when they went back meanwhile', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.stripe.holdWebhooks()
    hideEvents()
    const { paymentIntent } = await product.stripe.payLink(url)
    await product.stripe.refund(paymentIntent.id)
    product.stripe.faults.clear()
    await until('the refund to be known', async () => {
      const { payments } = await product.unlock(unlockId)
      return payments[0]?.status === 'refunded'
    })
    await product.stripe.releaseWebhooks()
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
  })

  it('are found though a part of them went back meanwhile, which is noted', async () => {
    const { dana, unlockId } = await paysUnheard((intentId) => product.stripe.refund(intentId, { amount: 500 }))
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    await until('the part to be noted', async () => (await paymentOf(unlockId)).refunded_cents === 500)
    expect(await paymentOf(unlockId)).toMatchObject({ status: 'kept' })
  })

  it('are found with the part that went back: a refund of the rest that fails leaves it told, and another makes the whole', async () => {
    const { unlockId } = await paysUnheard((intentId) => product.stripe.refund(intentId, { amount: 500 }))
    await product.reaches(unlockId, 'DONE')
    await until('the part to be noted', async () => (await paymentOf(unlockId)).refunded_cents === 500)
    product.stripe.setRefundOutcome('pending')
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refund_pending')
    product.stripe.setRefundOutcome('succeeded')
    await settleRefundOf(unlockId, 'failed')
    await product.rows('update payments set next_attempt_at = app_now() where unlock_id = ?', [unlockId])
    await becomes(unlockId, 'refund_failed')
    expect(await paymentOf(unlockId)).toMatchObject({ refunded_cents: 500 })
    await product.api('POST', `/api/unlocks/${unlockId}/refund`)
    await becomes(unlockId, 'refunded')
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('are found though they are disputed, and a person is called', async () => {
    const { unlockId } = await paysUnheard((intentId) => product.stripe.dispute(intentId))
    await product.reaches(unlockId, 'DONE')
    await escalated(product, unlockId, 'dispute')
    expect(await paymentOf(unlockId)).toMatchObject({ status: 'kept', dispute_status: 'needs_response' })
  })

  it('are found with their dispute though a run ended in the middle of what it found', async () => {
    const refusals: (() => Promise<void>)[] = []
    const { dana, unlockId } = await paysUnheard(async (intentId) => {
      const { id } = await product.stripe.dispute(intentId)
      // Anything but a refusal of this one row ends the run, as the end of its process would.
      refusals.push(await refuseToStore(`backfill:${id}:needs_response`, `exception using errcode = '57P01'`))
    })
    await until('the run to fail', () => product.log.some((line) => line.includes('57P01')))
    for (const end of refusals) await end()
    await moveClock(product, BEYOND_LINK_TURN)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    await escalated(product, unlockId, 'dispute')
  })

  it('are found though they were disputed, when the dispute was won, and nobody is called', async () => {
    const { unlockId } = await paysUnheard(async (intentId) => {
      await product.stripe.dispute(intentId)
      await product.stripe.closeDispute(intentId, 'won')
    })
    await product.reaches(unlockId, 'DONE')
    await until('the dispute to be noted', async () => (await paymentOf(unlockId)).dispute_status === 'closed: won')
    await settled(product)
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('reveal nothing when a dispute took them meanwhile', async () => {
    hideEvents()
    const { dana, unlockId } = await paysUnheard(async (intentId) => {
      await product.stripe.dispute(intentId)
      await product.stripe.closeDispute(intentId, 'lost')
    })
    await until('Stripe to be asked', async () => {
      const links = await product.rows(
        'select from payment_links where unlock_id = ? and next_attempt_at > app_now()',
        [unlockId],
      )
      return links.length > 0
    })
    // Whatever that run stored is handled.
    const { unlockId: other } = await paysUnheard(async () => undefined)
    await product.reaches(other, 'DONE')
    await settled(product)
    expect(dana.inbox(DETAILS)).toHaveLength(0)
    expect((await product.unlock(unlockId)).payments).toEqual([])
  })

  it('are found though the SMS gateway does not answer', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    keepReplies()
    product.stripe.holdWebhooks()
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
  })
})
