import type { Charge, Dispute, EventRecord, PaymentIntent, PaymentLink, Refund, Session } from './ledger/records.ts'
import type { State } from './ledger/state.ts'

/** What the account holds, oldest first. */
export type Inspection = {
  links(): PaymentLink[]
  sessions(): Session[]
  paymentIntents(): PaymentIntent[]
  charges(): Charge[]
  refunds(): Refund[]
  disputes(): Dispute[]
  /** Every event with the state of its delivery. */
  events(): EventRecord[]
}

export function inspection(state: State): Inspection {
  return {
    links: () => state.links.all().map((record) => record.link),
    sessions: () => state.sessions.all(),
    paymentIntents: () => state.paymentIntents.all(),
    charges: () => state.charges.all(),
    refunds: () => state.refunds.all(),
    disputes: () => state.disputes.all(),
    events: () => state.events.all(),
  }
}
