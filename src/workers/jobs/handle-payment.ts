import { Payment } from '../../db/entities/index.ts'
import { lockInboxRow, markFailed, markProcessed, UNMATCHED } from '../../db/inbox/inbox.ts'
import { type EntityManager, inTransaction } from '../../db/postgres/orm.ts'
import type { Due } from '../../domain/due.ts'
import type { JobDeps } from '../deps.ts'
import { NotYetError } from '../errors.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'
import { type AskedRefunds, AskFirst, paymentIntentOf, readFact, recordFact } from '../record-fact.ts'

/** What Stripe told us about money, handled once. */
export const handlePayment = defineJob({
  name: 'handle-payment',

  async run(deps, { inbox_id }) {
    let handled = await attempt(deps, inbox_id, null)
    while (handled.type === 'ask') {
      const refunds = await deps.stripe.listRefunds(handled.paymentIntentId)
      handled = await attempt(deps, inbox_id, { refunds, because: handled.because })
    }
    if (handled.type !== 'done') throw new NotYetError()
    await deps.publish(handled.due)
  },

  async onFailed(deps, { inbox_id }, code) {
    await recordAndPublish(deps, async (tx) => {
      if (code !== NotYetError.CODE) return markFailed(tx, inbox_id, 'inbox_failed', code)
      // A refund or dispute of money that never was ours: the account is shared. Should its payment come after all, it is
      // taken up again.
      const row = await lockInboxRow(tx, inbox_id, 'received')
      if (row === null) return []
      // It came after this was looked at for the last time; the row's lock makes one that comes now wait.
      if (await isKnown(tx, paymentIntentOf(readFact(deps, row)))) return [{ job: 'handle-payment', inbox_id }]
      await markProcessed(tx, row, UNMATCHED)
      return []
    })
  },
})

type Handled =
  | { type: 'done'; due: Due[] }
  /** Stripe has to be asked for the refunds of this payment first, which no lock waits for. */
  | { type: 'ask'; paymentIntentId: string; because: readonly number[] }
  /** It tells of a payment that we do not know (yet): Stripe's events come in any order. */
  | { type: 'not_yet' }

async function attempt(deps: JobDeps, inboxId: number, asked: AskedRefunds | null): Promise<Handled> {
  try {
    return await inTransaction(deps.em, (tx) => handle(tx, deps, inboxId, asked))
  } catch (error) {
    if (!(error instanceof AskFirst)) throw error
    const { paymentIntentId, because } = error
    return { type: 'ask', paymentIntentId, because }
  }
}

async function handle(tx: EntityManager, deps: JobDeps, inboxId: number, asked: AskedRefunds | null): Promise<Handled> {
  // An inbox row is locked before the unlock it is about. Only the rows of early events are locked after it: where that meets
  // the job of one of them, Postgres ends one of the two, which is tried again at no attempt's cost.
  const row = await lockInboxRow(tx, inboxId, 'received')
  if (row === null) return { type: 'done', due: [] }
  const fact = readFact(deps, row)
  const due = await recordFact(tx, deps, row, fact, asked)
  if (due === null) {
    row.paymentIntentId = paymentIntentOf(fact)
    return { type: 'not_yet' }
  }
  await markProcessed(tx, row, fact.kind)
  return { type: 'done', due }
}

async function isKnown(tx: EntityManager, paymentIntentId: string | null): Promise<boolean> {
  return paymentIntentId !== null && (await tx.count(Payment, { paymentIntentId })) > 0
}
