import type { Pool, PoolClient } from 'pg'

export const UNLOCKS_PER_LEAD = 3
/** Between one lead of the past and the next. */
export const SECONDS_APART = 30
const PROVIDERS = 1000

/**
 * Stores leads of the past with their unlocks, most of them closed, with timelines, texts and payments, until there are so
 * many. What triggers would keep is stored with them, because row by row that takes hours for millions.
 */
export async function storePast(database: Pool, leads: number): Promise<void> {
  const client = await database.connect()
  try {
    await client.query('begin')
    await client.query('set local session_replication_role = replica')
    await addLeads(client, leads)
    await client.query('commit')
  } finally {
    client.release()
  }
  // As autovacuum leaves tables that have been there for a while.
  await database.query('vacuum (analyze)')
}

async function addLeads(client: PoolClient, leads: number): Promise<void> {
  const { rows } = await client.query<{ stored: number; last: number }>(
    `select (select count(*)::int from leads where service_type = 'past') as stored,
       (select coalesce(max(id), 0) from lead_unlocks) as last`,
  )
  const { stored, last } = rows[0] ?? { stored: 0, last: 0 }
  if (stored === 0) await client.query(PEOPLE)
  await client.query(LEADS, [stored + 1, leads])
  await client.query(UNLOCKS, [stored + 1, leads])
  for (const statement of OF_UNLOCKS) await client.query(statement, [last])
}

const PEOPLE = `
  insert into providers (id, name, phone)
  select 'past' || n, 'Amy', '+1999' || lpad(n::text, 7, '0') from generate_series(1, ${PROVIDERS}) n`

const LEADS = `
  insert into leads (id, city, service_type, client_name, client_phone, created_at)
  select 'lead_p' || lpad(to_hex(n), 7, '0'), 'city' || n % 200, 'past', 'sealed', 'sealed',
    now() - n * interval '${SECONDS_APART} seconds' from generate_series($1::int, $2::int) n`

const UNLOCKS = `
  insert into lead_unlocks (lead_id, provider_id, status, closed_reason, price_cents, currency, ttl_expires_at,
    teaser_sent_at, paid_at, unlocked_at, created_at, next_attempt_at)
  select 'lead_p' || lpad(to_hex(n), 7, '0'), 'past' || 1 + (n * 7 + k * 311) % ${PROVIDERS},
    case when paid then 'DONE' else 'EXPIRED' end, case when paid then null else 'ttl' end, 2000, 'usd',
    at + interval '1 day', at, case when paid then at + interval '6 hours' end,
    case when paid then at + interval '6 hours' end, at, at
  from generate_series($1::int, $2::int) n, generate_series(1, ${UNLOCKS_PER_LEAD}) k,
    lateral (select now() - n * interval '${SECONDS_APART} seconds' as at, (n + k) % 5 = 0 as paid) past`

/** Every second unlock was answered, at any time within five hours; all who paid are among them. */
const ANSWERED = "(id % 2 = 0 or status = 'DONE')"
const ANSWERED_AT = "created_at + mod(id::bigint * 7919, 18000000) * interval '1 millisecond'"

const OF_UNLOCKS = [
  `insert into unlock_events (unlock_id, from_status, to_status, cause, at)
   select id, step.from_status, step.to_status, step.cause, ${ANSWERED_AT}
   from lead_unlocks, (values ('NEW_LEAD', 'TEASER_SENT', 'past'), ('TEASER_SENT', 'AWAIT_CONFIRM', 'past'),
     ('AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT', 'reply')) step(from_status, to_status, cause)
   where id > $1 and (step.cause = 'past' or ${ANSWERED})`,
  `insert into unlock_facts (unlock_id, posted_at, city, moments, response_ms)
   select u.id, l.created_at, l.city, 1 + case when answered then 6 else 0 end + case when status = 'DONE' then 8 else 0 end,
     case when answered then mod(u.id::bigint * 7919, 18000000) end
   from (select *, ${ANSWERED} as answered from lead_unlocks where id > $1) u join leads l on l.id = u.lead_id`,
  `insert into outbound_messages (purpose, dedupe_key, unlock_id, provider_id, phone, body, status, accepted_at, final_at,
     next_attempt_at)
   select 'teaser', 'past:teaser:' || id, id, provider_id, '+19990000000', 'past', 'delivered', created_at, created_at,
     created_at from lead_unlocks where id > $1`,
  `insert into payments (unlock_id, checkout_session_id, payment_intent_id, amount_cents, currency, status, lead_posted_at,
     lead_city)
   select u.id, 'cs_past_' || u.id, 'pi_past_' || u.id, 2000, 'usd', 'kept', l.created_at, l.city
   from lead_unlocks u join leads l on l.id = u.lead_id where u.id > $1 and u.status = 'DONE'`,
]
