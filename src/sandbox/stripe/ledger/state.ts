import { Collection } from './collection.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type {
  Charge,
  Dispute,
  EventRecord,
  IdempotencyRecord,
  LinkRecord,
  PaymentIntent,
  Refund,
  Session,
} from './records.ts'

/** Everything the emulated account holds. */
export type State = ReturnType<typeof openState>

/** Opens the account recorded in the journal, empty when there is none, and compacts the journal to what still counts. */
export function openState(journal: Journal) {
  const record = (collection: string, item: { id: string }) => journal.append({ collection, item })
  const state = {
    links: new Collection<LinkRecord>('links', record),
    sessions: new Collection<Session>('sessions', record),
    paymentIntents: new Collection<PaymentIntent>('paymentIntents', record),
    charges: new Collection<Charge>('charges', record),
    refunds: new Collection<Refund>('refunds', record),
    disputes: new Collection<Dispute>('disputes', record),
    events: new Collection<EventRecord>('events', record),
    idempotencyKeys: new Collection<IdempotencyRecord>('idempotencyKeys', record),
  }
  const collections = Object.values(state) as unknown as Collection<{ id: string }>[]
  const byName = new Map(collections.map((collection) => [collection.name, collection]))
  for (const { collection, item } of journal.read()) byName.get(collection)?.restore(item)
  journal.restart(collections.flatMap(entriesOf))
  return state
}

function entriesOf(collection: Collection<{ id: string }>): JournalEntry[] {
  return collection.all().map((item) => ({ collection: collection.name, item }))
}
