import { InboxRow, Payment } from '../../db/entities/index.ts'
import { lockEarlyEvents, lockInboxRow, markFailed, markProcessed, UNMATCHED } from '../../db/inbox.ts'
import { type EntityManager, inTransaction } from '../../db/orm.ts'
import type { Due } from '../../domain/due.ts'
import type { KnownRefund } from '../../domain/refunds.ts'
import { readStripeEvent, type StripeFact } from '../../domain/stripe-event.ts'
import type { JobDeps } from '../deps.ts'
import { FinalError, NotYetError } from '../errors.ts'
import { openBody } from '../inbox-body.ts'
import { defineJob } from '../job.ts'
import { paymentIntentOf, recordFact } from '../record-fact.ts'

/** What Stripe told us about money, handled once. */
export const handlePayment = defineJob({
  name: 'handle-payment',

  async run(deps, { inbox_id }) {
    const row = await deps.em.findOne(InboxRow, { id: inbox_id })
    if (row?.status !== 'received') return
    const fact = read(deps, row)
    const refunds = await askForRefunds(deps, fact)
    const due = await inTransaction(deps.em, (tx) => handle(tx, deps, inbox_id, fact, refunds))
    if (due === null) throw new NotYetError()
    await deps.publish(due)
  },

  async onFailed(deps, { inbox_id }, code) {
    const due = await inTransaction(deps.em, async (tx) => {
      if (code !== NotYetError.CODE) return markFailed(tx, inbox_id, 'inbox_failed', code)
      // A refund or dispute of money that never was ours: the account is shared. Should its payment come after all, it is
      // taken up again.
      const row = await lockInboxRow(tx, inbox_id, 'received')
      if (row !== null) await markProcessed(tx, row, UNMATCHED)
      return []
    })
    await deps.publish(due)
  },
})

function read(deps: JobDeps, row: InboxRow): StripeFact {
  const body = openBody(deps, row)
  const fact = readStripeEvent(JSON.parse(body.toString('utf8')))
  if (fact === null) throw new FinalError('unreadable_event')
  return fact
}

/**
 * A charge tells the sum of its refunds as it was then; which of them still stand, Stripe tells now.
 *
 * @returns null when nothing is to be asked
 */
async function askForRefunds(deps: JobDeps, fact: StripeFact): Promise<KnownRefund[] | null> {
  if (fact.kind !== 'charge_refunded' || fact.charge.payment_intent == null) return null
  const paymentIntentId = fact.charge.payment_intent
  const isKnown = (await deps.em.fork().count(Payment, { paymentIntentId })) > 0
  return isKnown ? deps.stripe.listRefunds(paymentIntentId) : null
}

/** @returns null when it tells of a payment that we do not know (yet): Stripe's events come in any order */
async function handle(
  tx: EntityManager,
  deps: JobDeps,
  inboxId: number,
  fact: StripeFact,
  refunds: KnownRefund[] | null,
): Promise<Due[] | null> {
  // Unlocks are locked before inbox rows; here the row comes first and nobody else takes both.
  const row = await lockInboxRow(tx, inboxId, 'received')
  if (row === null) return []
  const due = await recordFact(tx, deps, fact, refunds)
  if (due === null) {
    row.paymentIntentId = paymentIntentOf(fact)
    return null
  }
  await markProcessed(tx, row, fact.kind)
  return fact.kind === 'paid' ? [...due, ...(await takeUpEarlyEvents(tx, deps, fact))] : due
}

/** What came before its payment takes effect together with it: no details are sent for money that is back already. */
async function takeUpEarlyEvents(tx: EntityManager, deps: JobDeps, payment: StripeFact): Promise<Due[]> {
  const paymentIntentId = paymentIntentOf(payment)
  if (paymentIntentId === null) return []
  await tx.flush()
  const due: Due[] = []
  const early = (await lockEarlyEvents(tx, paymentIntentId)).map((row) => ({ row, fact: read(deps, row) }))
  // What a refund says of itself counts more than the sum that its charge had then.
  early.sort(
    (one, other) => Number(other.fact.kind === 'charge_refunded') - Number(one.fact.kind === 'charge_refunded'),
  )
  for (const { row, fact } of early) {
    due.push(...((await recordFact(tx, deps, fact)) ?? []))
    await markProcessed(tx, row, fact.kind)
  }
  return due
}
