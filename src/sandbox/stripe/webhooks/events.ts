import type { Clock } from '../ledger/clock.ts'
import { newId } from '../ledger/ids.ts'
import { noCause } from '../ledger/ledger.ts'
import type { EventCause, EventRecord, StripeEvent } from '../ledger/records.ts'
import type { State } from '../ledger/state.ts'
import type { WebhookSender } from './sender.ts'

/** The API version events are rendered in: the one stripe-node 23 is made for. */
export const apiVersion = '2026-10-28.endive'

const retentionSeconds = 30 * 24 * 60 * 60

/** Records an event about the object as it is now and starts its delivery. */
export function recordEvent(
  state: State,
  sender: WebhookSender,
  clock: Clock,
  type: string,
  object: object,
  cause: EventCause = noCause,
): StripeEvent {
  const event: StripeEvent = {
    id: newId('evt'),
    object: 'event',
    api_version: apiVersion,
    created: clock.seconds(),
    data: { object: { ...object } },
    livemode: false,
    pending_webhooks: 1,
    request: cause,
    type,
  }
  const delivered = !sender.hasEndpoint()
  state.events.put({ id: event.id, event, delivered, attempts: [] })
  if (!delivered) sender.deliver(event.id)
  return shownEvent({ id: event.id, event, delivered, attempts: [] })
}

/** The event as the API shows it, with the deliveries still owed. */
export function shownEvent({ event, delivered }: EventRecord): StripeEvent {
  return { ...event, pending_webhooks: delivered ? 0 : 1 }
}

/** The events the API still knows, newest first: those of the last 30 days. */
export function retainedEvents(state: State, clock: Clock): EventRecord[] {
  const oldest = clock.seconds() - retentionSeconds
  return state.events.newestFirst().filter(({ event }) => event.created >= oldest)
}
