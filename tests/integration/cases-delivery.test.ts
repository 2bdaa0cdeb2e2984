import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findReceiptMessage } from '../../src/db/ledger/receipts.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, newProvider, TEASER, type TestProvider } from '../support/provider.ts'
import { calm, escalated, failedJob, failedJobs, hurry, hurryUntil, openKinds } from '../support/steering.ts'
import { until } from '../support/until.ts'

/** Nothing is swept while it is held: see src/db/due/due.ts. */
const SWEEP_LOCK = 7_701_001

let product: Product

beforeAll(async () => {
  // Long enough for no test to meet it by itself: each says when the time has come.
  product = await startProduct({ env: { REVEAL_CONFIRM_MINUTES: '60' } })
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const causeOfDone = async (unlockId: number) => (await product.unlock(unlockId)).timeline.at(-1).cause
const revealsOf = async (unlockId: number): Promise<string[]> =>
  (await product.unlock(unlockId)).messages
    .filter(({ purpose }: { purpose: string }) => purpose === 'reveal')
    .map(({ status }: { status: string }) => status)
const detailsTo = (provider: TestProvider) =>
  product.textmagic.messages().filter(({ phone, text }) => phone === provider.phone && DETAILS.test(text))

/** Pays; the gateway accepts the details, and what becomes of them is up to the test. */
async function payWithoutReceipt() {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  product.textmagic.configure({ receipts: 'manual' })
  await product.stripe.payLink(url)
  await product.reaches(unlockId, 'REVEAL_DETAILS_SENT')
  return { dana, unlockId, messageId: detailsTo(dana)[0]?.id ?? 0 }
}

/** Has the time come at which a reveal without a receipt is asked about. */
const confirmationIsDue = (unlockId: number) =>
  product.rows('update lead_unlocks set reveal_confirm_at = app_now() where id = ?', [unlockId])

const isToBeConfirmed = async (unlockId: number) =>
  (await product.rows('select from lead_unlocks where id = ? and reveal_confirm_at is not null', [unlockId])).length > 0

describe('a receipt for the details', () => {
  it.each(['f', 'j', 'u'] as const)('that says %s has them sent again, until they are delivered', async (letter) => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    await product.textmagic.deliver(messageId, letter)
    await dana.gets(DETAILS, 2)
    await product.textmagic.deliver(detailsTo(dana)[1]?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
    expect(await openKinds(product, unlockId)).toEqual([])
  })

  it('that says they are lost, each time, calls a person after three sendings', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.setReceiptOutcome(dana.phone, 'f')
    await product.stripe.payLink(url)
    await escalated(product, unlockId, 'reveal_undeliverable')
    expect(dana.inbox(DETAILS)).toHaveLength(3)
    expect(await product.statusOf(unlockId)).toBe('REVEAL_DETAILS_SENT')
    product.textmagic.setReceiptOutcome(dana.phone, 'd')
    await dana.says('Y')
    await product.reaches(unlockId, 'DONE')
    await escalated(product, unlockId, 'reveal_undeliverable', false)
  })

  it('that says the number is unsubscribed calls a person at once, and no more is sent to it', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.unsubscribe(dana.phone)
    await product.stripe.payLink(url)
    await escalated(product, unlockId, 'reveal_undeliverable')
    await calm(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect((await product.api('GET', `/api/providers/${dana.id}`)).body.provider.opted_out_at).not.toBeNull()
  })

  it('that says they are lost while they are sent again, which a STOP ends, calls a person', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    product.textmagic.faults.add({ method: 'POST', path: '/api/v2/messages', kind: 'status', status: 429, times: null })
    await dana.says('Y')
    await product.textmagic.deliver(messageId, 'f')
    await dana.says('STOP')
    await until('the second sending to be given up', async () => {
      await hurry(product, 'reveal')
      const { messages } = await product.unlock(unlockId)
      return messages.some(({ status }: { status: string }) => status === 'cancelled')
    })
    product.textmagic.faults.clear()
    await escalated(product, unlockId, 'reveal_undeliverable')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('that says they are lost is not forgotten when a person sends them again and a STOP ends that', async () => {
    const { dana, unlockId } = await payWithoutReceipt()
    product.textmagic.setReceiptOutcome(dana.phone, 'f')
    for (let sending = 1; sending <= 3; sending += 1) {
      await dana.gets(DETAILS, sending)
      await product.textmagic.deliver(detailsTo(dana)[sending - 1]?.id ?? 0, 'f')
    }
    await escalated(product, unlockId, 'reveal_undeliverable')
    await confirmationIsDue(unlockId)
    await until('nothing to be confirmed', async () => !(await isToBeConfirmed(unlockId)))
    product.textmagic.faults.add({ method: 'POST', path: '/api/v2/messages', kind: 'status', status: 429, times: null })
    await dana.says('Y')
    await product.rows(`update escalations set resolved_at = app_now(), resolved_by = 'a person' where unlock_id = ?`, [
      unlockId,
    ])
    await dana.says('STOP')
    await hurryUntil(product, 'reveal', 'a person to be called again', async () => {
      return (await openKinds(product, unlockId)).includes('reveal_undeliverable')
    })
    product.textmagic.faults.clear()
  })

  it('that says they are lost after they counted as delivered, and a STOP keeps them from being sent again, calls a person', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    await confirmationIsDue(unlockId)
    await product.reaches(unlockId, 'DONE')
    product.textmagic.faults.add({ method: 'POST', path: '/api/v2/messages', kind: 'status', status: 429, times: null })
    await product.textmagic.deliver(messageId, 'f')
    await until('the second sending', async () => (await revealsOf(unlockId)).length === 2)
    await dana.says('STOP')
    await hurryUntil(product, 'reveal', 'the second sending to be given up', async () => {
      return (await revealsOf(unlockId)).includes('cancelled')
    })
    product.textmagic.faults.clear()
    await escalated(product, unlockId, 'reveal_undeliverable')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('that says they are lost: once the second sending waits for a person, nothing wakes it up', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    product.textmagic.faults.add({ method: 'POST', path: '/api/v2/messages', kind: 'status', status: 401, times: null })
    await product.textmagic.deliver(messageId, 'f')
    await hurryUntil(product, 'reveal', 'the attempts to be used up', async () => {
      return (await openKinds(product, unlockId)).includes('reveal_failed')
    })
    await confirmationIsDue(unlockId)
    await until('the sweep to have looked', async () => {
      const later = 'select from lead_unlocks where id = ? and reveal_confirm_at > app_now()'
      return (await product.rows(later, [unlockId])).length === 1
    })
    const waiting = await product.publisher.queues.get('reveal')?.getJobs(['waiting', 'active', 'delayed'])
    expect(waiting?.filter(({ data }) => data.unlock_id === unlockId)).toEqual([])
    product.textmagic.faults.clear()
    await (await failedJob(product, 'reveal', { unlock_id: unlockId })).retry('failed')
    await dana.gets(DETAILS, 2)
    await product.textmagic.deliver(detailsTo(dana)[1]?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
  })

  it('that says they are lost counts though the gateway, asked a moment before, had not heard of it', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    const { faults } = product.textmagic
    const slow = { method: 'GET', path: '/api/v2/messages/', kind: 'slow', delay_ms: 6_000, times: 100 } as const
    faults.add(slow)
    await confirmationIsDue(unlockId)
    await until('the gateway to be asked', () => faults.list()[0]?.times !== slow.times)
    faults.add({ method: 'POST', path: '/api/v2/messages', kind: 'status', status: 429, times: null })
    await product.textmagic.deliver(messageId, 'f')
    await until('the loss to be recorded', async () => (await revealsOf(unlockId)).includes('undelivered'))
    const asking = product.publisher.queues.get('confirm-delivery')
    await until('the answer', async () => (await asking?.getActiveCount()) === 0)
    expect(await product.statusOf(unlockId)).toBe('REVEAL_DETAILS_SENT')
    faults.clear()
    await dana.gets(DETAILS, 2)
    await product.textmagic.deliver(detailsTo(dana)[1]?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
  })

  it('that calls one sending lost twice has it replaced once', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    await product.textmagic.deliver(messageId, 'u')
    await dana.gets(DETAILS, 2)
    await until('the second sending to be recorded', async () => {
      const { messages } = await product.unlock(unlockId)
      return messages.at(-1).status === 'accepted'
    })
    await product.textmagic.deliver(messageId, 'f')
    await calm(product)
    expect(dana.inbox(DETAILS)).toHaveLength(2)
    await confirmationIsDue(unlockId)
    await product.reaches(unlockId, 'DONE')
  })

  it('of delivery after one of loss is the last word', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    await product.textmagic.deliver(messageId, 'd')
    await product.reaches(unlockId, 'DONE')
    await product.textmagic.deliver(messageId, 'f')
    await calm(product)
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    expect((await product.unlock(unlockId)).messages.at(-1).status).toBe('delivered')
  })

  it('that comes before the gateway has answered the send counts', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.configure({ receiptBeforeAnswer: true })
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
    expect(await causeOfDone(unlockId)).toBe('delivered')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('and for every other text, that comes before the gateway has answered the send, counts', async () => {
    product.textmagic.configure({ receiptBeforeAnswer: true })
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    await calm(product)
    const { timeline, messages } = await product.unlock(unlockId)
    expect(timeline.map(({ to_status }: { to_status: string }) => to_status)).toEqual([
      'TEASER_SENT',
      'AWAIT_CONFIRM',
      'CHECK_EXISTING_PAYMENT',
      'CREATE_PAYMENT_LINK',
      'PAYMENT_LINK_SENT',
      'AWAITING_PAYMENT',
      'PAID',
      'REVEAL_DETAILS_SENT',
      'DONE',
    ])
    expect(messages.map(({ status }: { status: string }) => status)).toEqual(['delivered', 'delivered', 'delivered'])
  })

  it('that names no reference is matched by the id of the gateway', async () => {
    const { unlockId, messageId } = await payWithoutReceipt()
    const token = encodeURIComponent(product.secrets.textmagicWebhookToken)
    const body = new URLSearchParams({ id: String(messageId), status: 'd', partsCount: '2' })
    await fetch(`${product.url}/webhook/textmagic/delivery?token=${token}`, { method: 'POST', body })
    await product.reaches(unlockId, 'DONE')
    expect(await causeOfDone(unlockId)).toBe('delivered')
  })

  it('that is looked up while the answer to the send is being recorded finds its message', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    const record =
      'update outbound_messages set gateway_id = ? where unlock_id = ? and accepted_at is not null and purpose = ?'
    await product.rows(record, [null, unlockId, 'reveal'])
    const em = product.db.em.fork()
    const { findOne } = em
    const firstFindOne = async (...args: unknown[]) => {
      Reflect.deleteProperty(em, 'findOne')
      const found = await Reflect.apply(findOne, em, args)
      await product.rows(record, [String(messageId), unlockId, 'reveal'])
      return found
    }
    Object.defineProperty(em, 'findOne', { value: firstFindOne, configurable: true })
    const reference = Number(detailsTo(dana)[0]?.referenceId)
    const found = await findReceiptMessage(em, { gatewayId: String(messageId), reference, receiver: null })
    expect(found?.id).toBe(reference)
    await product.textmagic.deliver(messageId, 'd')
    await product.reaches(unlockId, 'DONE')
  })

  it('that comes to the URL for texts counts', async () => {
    const { unlockId, messageId } = await payWithoutReceipt()
    const token = encodeURIComponent(product.secrets.textmagicWebhookToken)
    const body = JSON.stringify({ id: messageId, status: 'd', sender: '13055550100', text: 'ours', referenceId: null })
    await fetch(`${product.url}/webhook/textmagic?token=${token}`, { method: 'POST', body })
    await product.reaches(unlockId, 'DONE')
  })
})

describe('without a receipt', () => {
  it('the details count as delivered when the gateway, asked, says so', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    product.textmagic.configure({ deliveryUrl: null })
    await product.textmagic.deliver(messageId, 'd')
    await confirmationIsDue(unlockId)
    await product.reaches(unlockId, 'DONE')
    expect(await causeOfDone(unlockId)).toBe('delivered')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('the details are sent again when the gateway, asked, says that they failed', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    // The letter for which TextMagic posts no receipt.
    await product.textmagic.deliver(messageId, 'e')
    await confirmationIsDue(unlockId)
    await dana.gets(DETAILS, 2)
    await product.textmagic.deliver(detailsTo(dana)[1]?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
  })

  it('the details count as delivered when no failure was reported in time', async () => {
    const { dana, unlockId } = await payWithoutReceipt()
    await confirmationIsDue(unlockId)
    await product.reaches(unlockId, 'DONE')
    expect(await causeOfDone(unlockId)).toBe('no failure reported')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('nor can the gateway be asked: the details count as delivered, and a failure that comes after that is heeded', async () => {
    product.textmagic.faults.add({ method: 'GET', path: '/api/v2/messages/', kind: 'status', status: 401, times: null })
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    await confirmationIsDue(unlockId)
    await hurryUntil(product, 'confirm-delivery', 'the unlock to be done', async () => {
      return (await product.statusOf(unlockId)) === 'DONE'
    })
    expect(await causeOfDone(unlockId)).toBe('no failure reported')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    await product.textmagic.deliver(messageId, 'f')
    await dana.gets(DETAILS, 2)
  })

  it('details that are sent again after a person was called count as delivered when no failure was reported in time', async () => {
    const { dana, unlockId } = await payWithoutReceipt()
    for (let sending = 1; sending <= 3; sending += 1) {
      await dana.gets(DETAILS, sending)
      await product.textmagic.deliver(detailsTo(dana)[sending - 1]?.id ?? 0, 'f')
    }
    await escalated(product, unlockId, 'reveal_undeliverable')
    await confirmationIsDue(unlockId)
    await until('the unlock to be left to a person', async () => !(await isToBeConfirmed(unlockId)))
    await dana.says('Y')
    await until('the fourth sending to be asked about', () => isToBeConfirmed(unlockId))
    await confirmationIsDue(unlockId)
    await product.reaches(unlockId, 'DONE')
  })

  it('details sent again, and accepted while the question about the lost ones is put off, are asked about in their own time', async () => {
    const { dana, unlockId, messageId } = await payWithoutReceipt()
    product.textmagic.faults.add({ method: 'POST', path: '/api/v2/messages', kind: 'status', status: 429, times: null })
    await product.textmagic.deliver(messageId, 'f')
    await until('the second sending', async () => (await revealsOf(unlockId)).length === 2)
    const puttingOff = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      and query like '%set reveal_confirm_at = app_now() + make_interval%'`
    await inTransaction(product.db.em, async (accepting) => {
      await accepting.execute('select pg_advisory_xact_lock(?)', [SWEEP_LOCK])
      await confirmationIsDue(unlockId)
      await accepting.execute(
        `update lead_unlocks set reveal_confirm_at = app_now() + interval '1 hour' where id = ? returning id`,
        [unlockId],
      )
      await hurryUntil(product, 'confirm-delivery', 'the question to be put off', async () => {
        return (await product.rows(puttingOff)).length > 0
      })
    })
    await until('that to have been tried', async () => (await product.rows(puttingOff)).length === 0)
    await until('no question to be asked', async () => {
      return (await product.publisher.queues.get('confirm-delivery')?.getActiveCount()) === 0
    })
    const inTheirTime = `select from lead_unlocks where id = ? and reveal_confirm_at > app_now() + interval '30 minutes'`
    expect(await product.rows(inTheirTime, [unlockId])).toHaveLength(1)
    product.textmagic.faults.clear()
    await dana.gets(DETAILS, 2)
    await product.textmagic.deliver(detailsTo(dana)[1]?.id ?? 0, 'd')
    await product.reaches(unlockId, 'DONE')
  })

  it('details that nobody can deliver are not asked about for ever, and nobody is called twice about them', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    product.textmagic.setReceiptOutcome(dana.phone, 'f')
    await product.stripe.payLink(url)
    await escalated(product, unlockId, 'reveal_undeliverable')
    await product.rows(`update escalations set resolved_at = app_now(), resolved_by = 'a person' where unlock_id = ?`, [
      unlockId,
    ])
    await confirmationIsDue(unlockId)
    await until('the unlock to be left to a person', async () => !(await isToBeConfirmed(unlockId)))
    expect(await openKinds(product, unlockId)).toEqual([])
    product.textmagic.setReceiptOutcome(dana.phone, 'd')
    await dana.says('Y')
    await product.reaches(unlockId, 'DONE')
  })
})

/** Posts a receipt that the emulator knows nothing of. */
async function postReceipt(receipt: object): Promise<void> {
  const token = encodeURIComponent(product.secrets.textmagicWebhookToken)
  const answer = await fetch(`${product.url}/webhook/textmagic/delivery?token=${token}`, {
    method: 'POST',
    body: JSON.stringify(receipt),
  })
  expect(answer.status).toBe(200)
}

const isPutAside = async (externalId: string) =>
  (await product.rows(`select from webhook_inbox where external_id = ? and outcome = 'unmatched'`, [externalId]))
    .length > 0

describe('a receipt for another text', () => {
  it('of a lost teaser moves nothing', async () => {
    const dana = await newProvider(product)
    product.textmagic.setReceiptOutcome(dana.phone, 'f')
    const { unlockId } = await dana.hasTeaser()
    await calm(product)
    expect(await product.statusOf(unlockId)).toBe('AWAIT_CONFIRM')
    expect(dana.inbox(TEASER)).toHaveLength(1)
  })

  it('that is none of ours is put aside, and does not pass for one of ours by its reference', async () => {
    const { dana, unlockId } = await payWithoutReceipt()
    const reveal = detailsTo(dana)[0]
    await postReceipt({ id: 99, status: 'f', referenceId: reveal?.referenceId, receiver: '16465550188', partsCount: 1 })
    await confirmationIsDue(unlockId)
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
    await hurryUntil(product, 'handle-receipt', 'the receipt to be put aside', () => isPutAside('99:f'))
    // A booking system that texts from the same account would fill Redis with them.
    expect(await failedJobs(product, 'handle-receipt')).toEqual([])
  })

  it('whose reference is a larger number than ours ever are is put aside', async () => {
    await postReceipt({ id: 98, status: 'd', referenceId: 4_000_000_000, receiver: '16465550188', partsCount: 1 })
    await hurryUntil(product, 'handle-receipt', 'the receipt to be put aside', () => isPutAside('98:d'))
    expect(await product.rows(`select from escalations where kind = 'inbox_failed'`)).toEqual([])
  })

  it('of a teaser that counted as not sent makes a bare Y answer it', async () => {
    product.textmagic.configure({ receipts: 'manual' })
    const send = { method: 'POST', path: '/api/v2/messages', status: 401 } as const
    product.textmagic.faults.add({ ...send, kind: 'accept_then_status', times: 1 })
    product.textmagic.faults.add({ ...send, kind: 'status', times: null })
    const dana = await newProvider(product)
    const { unlockId } = await dana.isOffered()
    await until('the failed attempt', async () => (await product.unlock(unlockId)).messages[0].error_code !== null)
    const teaser = product.textmagic.messages().find(({ phone }) => phone === dana.phone)
    await product.textmagic.deliver(teaser?.id ?? 0, 'd')
    await product.reaches(unlockId, 'AWAIT_CONFIRM')
    product.textmagic.faults.clear()
    await dana.says('Y')
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })
})
