import { createInbox } from '../../db/inbox/store.ts'
import { databaseNow } from '../../db/postgres/clock.ts'
import { madeAt, STRIPE_EVENT_TYPES } from '../../domain/stripe-event.ts'
import type { WorkerServices } from '../deps.ts'
import { keep, storeEach } from './keep.ts'

/** Stripe itself stops retrying after three days and keeps events for thirty, milliseconds. */
const EVENTS_LOOKBACK_MS = 7 * 86_400_000

/** Events that Stripe could not deliver. */
export async function undeliveredEvents(services: WorkerServices, requestId: string): Promise<number> {
  const now = await databaseNow(services.db.em.fork())
  const createdAfter = new Date(now.getTime() - EVENTS_LOOKBACK_MS)
  const events = services.stripe.listEvents({ types: STRIPE_EVENT_TYPES, createdAfter, deliverySuccess: false })
  const inbox = createInbox(services.db.em, services.sealer)
  return storeEach(services, events, (event) =>
    keep(services, requestId, (arrival) => inbox.storeStripeEvent(event.id, arrival, madeAt(event)), event),
  )
}
