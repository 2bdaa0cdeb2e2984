import type Stripe from 'stripe'
import { Type } from 'typebox'
import type { StripeCaller } from './caller.ts'
import { items } from './pages.ts'

export type EventFilter = {
  /** Event types, 20 at most. */
  types: readonly string[]
  /** Inclusive, to the second; Stripe keeps 30 days. */
  createdAfter: Date
  /** False: only those that some endpoint has not answered 2xx. All when absent. */
  deliverySuccess?: boolean
}

/** Only its id is checked here: one odd event must not hide those after it, and is judged where webhooks are. */
export type ListedEvent = { id: string; [field: string]: unknown }
const eventSchema = Type.Unsafe<ListedEvent>(Type.Object({ id: Type.String({ minLength: 1 }) }))

/** See `StripeGateway.listEvents`. */
export function listEvents(stripe: StripeCaller, filter: EventFilter): AsyncGenerator<ListedEvent, void> {
  const name = 'stripe list events'
  const { types, createdAfter, deliverySuccess } = filter
  const params: Stripe.EventListParams = {
    types: [...types],
    created: { gte: Math.floor(createdAfter.getTime() / 1000) },
    ...(deliverySuccess === undefined ? {} : { delivery_success: deliverySuccess }),
  }
  return items(name, eventSchema, (cursor) => stripe.call({ name }, (sdk) => sdk.events.list({ ...params, ...cursor })))
}
