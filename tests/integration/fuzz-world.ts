import { createApiKey, revokeApiKey } from '../../src/db/access/api-keys.ts'
import { drawApiKey, hashApiKey } from '../../src/domain/api-key.ts'
import { PAID_STATUSES, UNLOCK_STATUSES } from '../../src/domain/states.ts'
import type { CallerKind } from '../support/fuzz/requests.ts'
import { type Known, LOCKED_MARK } from '../support/fuzz/values.ts'
import { ADMIN_KEY, type Harness, LEAD, OPERATOR_KEY } from './api-harness.ts'

/** Something of everything, for requests to be about. */
export type World = { known: Known; keys: ReadonlyMap<CallerKind, string> }

const BY = { keyName: 'cli', role: null, requestId: null }
/** So many that some are left when others were erased. */
const UNOFFERED_LEADS = 6
const LISTINGS = ['/api/leads', '/api/providers', '/api/unlocks', '/api/messages', '/api/escalations']

const FILES = [
  'id,name,phone\nimported1,Cleo,+13055552100\n',
  'id,name,phone,email\nimported2,Dan,+13055552101,dan@email.test\n',
  'id,name\nx,"y',
  'name;phone\n',
  'id,name,phone\n\0,\0,\0\n',
]

/** Fills a harness: a lead with an unlock in every state, one that was sold to everybody, and what goes with each state. */
export async function populate(api: Harness): Promise<World> {
  const providers = UNLOCK_STATUSES.map((_status, index) => `fuzzed${index}`)
  for (const [index, id] of providers.entries()) {
    await api.call('PUT', `/api/providers/${id}`, { name: `P${index}`, phone: `+1305555${String(2000 + index)}` })
  }
  const locked = {
    client_name: `${LOCKED_MARK}Sarah`,
    client_phone: `${LOCKED_MARK}+1234567890`,
    client_email: `${LOCKED_MARK}sarah@email.test`,
    exact_address: `${LOCKED_MARK}123 Ocean Drive`,
  }
  const posted = await api.call('POST', '/api/leads', { ...LEAD, ...locked, provider_ids: providers })
  const lead: string = posted.body.lead.id
  const sold = await api.call('POST', '/api/leads', { ...LEAD, ...locked, provider_ids: providers })
  const unoffered: string[] = []
  for (let count = 0; count < UNOFFERED_LEADS; count += 1) {
    unoffered.push((await api.call('POST', '/api/leads', { ...LEAD, ...locked })).body.lead.id)
  }
  const unlocks: number[] = [...posted.body.unlocks, ...sold.body.unlocks].map(({ id }: { id: number }) => id)
  const statuses = [...UNLOCK_STATUSES, ...providers.map((_id, index) => PAID_STATUSES[index % PAID_STATUSES.length])]
  for (const [index, status] of statuses.entries()) await bring(api, unlocks[index] ?? 0, status ?? 'PAID')
  await api.rows(
    `insert into escalations (kind, subject, unlock_id, summary)
     select 'reveal_failed', 'unlock:' || id, id, 'Not sent.' from lead_unlocks limit 5`,
  )
  const escalations = await api.rows<{ id: number }>('select id from escalations')

  const keys = new Map<CallerKind, string>([
    ['admin', ADMIN_KEY],
    ['operator', OPERATOR_KEY],
  ])
  for (const [kind, role] of [
    ['intake', 'intake'],
    ['revoked', 'admin'],
  ] as const) {
    const key = drawApiKey()
    await createApiKey(api.db.em, { name: kind, role, hash: hashApiKey(key) }, BY)
    keys.set(kind, key)
  }
  await revokeApiKey(api.db.em, 'revoked', BY)

  const cursors: unknown[] = []
  for (const url of LISTINGS) cursors.push((await api.call('GET', `${url}?limit=1`)).body.next_cursor)
  const known = new Map<string, readonly unknown[]>([
    ['/leads', [lead, ...unoffered]],
    ['/providers', providers],
    ['/unlocks', unlocks],
    ['/escalations', escalations.map(({ id }) => id)],
    ['provider_ids', providers],
    ['provider_id', providers],
    ['lead_id', [lead]],
    ['unlock_id', unlocks],
    ['cursor', cursors.filter((cursor) => cursor !== null)],
    ['idempotency-key', ['first', 'second']],
    ['phone', ['+13055552000', '305 555 0199', '+442079460000']],
    ['time_zone', ['America/New_York', 'Europe/London']],
    ['currency', ['usd', 'usd', 'usd', 'jpy']],
    ['price_cents', [2000, 2000, 50, 49]],
    ['sender', ['13055552000', '13055550160']],
    ['text', ['Y', 'N', 'STOP', 'START', 'HELP', `Y ${lead}`, 'is the gate open?']],
    ['referenceId', ['1', '2']],
    ['file', FILES],
  ])
  return { known, keys }
}

/** Puts an unlock into a state as if it had got there by itself. */
async function bring(api: Harness, id: number, status: (typeof UNLOCK_STATUSES)[number]): Promise<void> {
  await api.rows('update lead_unlocks set status = ?, closed_reason = ? where id = ?', [
    status,
    status === 'EXPIRED' ? 'ttl' : null,
    id,
  ])
  await api.rows(
    "insert into unlock_events (unlock_id, from_status, to_status, cause) values (?, 'NEW_LEAD', ?, 'fuzz')",
    [id, status],
  )
  if (['PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'].includes(status)) {
    await api.rows(
      "insert into payment_links (unlock_id, generation, stripe_id, url) values (?, 1, 'plink_' || ?, 'https://pay.test/' || ?)",
      [id, String(id), String(id)],
    )
  }
  if (!['PAID', 'REVEAL_DETAILS_SENT', 'DONE'].includes(status)) return
  await api.rows(
    `insert into payments (unlock_id, checkout_session_id, payment_intent_id, amount_cents, currency, status)
     values (?, 'cs_' || ?, 'pi_' || ?, 2000, 'usd', 'kept')`,
    [id, String(id), String(id)],
  )
  await api.rows(
    `insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, status)
     select 'reveal', 'reveal:' || u.id, u.id, p.id, p.phone, 'accepted'
     from lead_unlocks u join providers p on p.id = u.provider_id where u.id = ?`,
    [id],
  )
}
