import type { Clock } from './clock.ts'
import type { EventCause, StripeEvent } from './records.ts'
import type { State } from './state.ts'

/** What every operation on the emulated account works with. */
export type Ledger = {
  state: State
  clock: Clock
  /** Where browsers reach the emulator; no trailing slash. */
  publicUrl: string
  /** Records an event about this object as it is now, and sends it to the webhook endpoint. */
  emit(type: string, object: object, cause?: EventCause): StripeEvent
}

/** Nobody asked over the API: a customer, the dashboard, or Stripe itself. */
export const noCause: EventCause = { id: null, idempotency_key: null }
