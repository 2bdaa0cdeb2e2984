import { erase } from './actions-admin.ts'
import type { World } from './world.ts'

const OPEN = (unlock: string) =>
  `exists (select 1 from escalations e where e.resolved_at is null and e.unlock_id = ${unlock})`
const OPEN_ABOUT = (subject: string) =>
  `exists (select 1 from escalations e where e.resolved_at is null and e.subject = ${subject})`
/** The sweep calls a person for a row that nothing brings forward. */
const STUCK = (table: string) => OPEN_ABOUT(`'${table}:' || ${table}.id`)

/** Details whose money went back are nobody's concern any more, whatever became of them. */
const MONEY_BACK = `not exists (select 1 from payments p where p.unlock_id = lead_unlocks.id and p.status = 'kept')`

/** What may not wait any longer once everything has worked for some hours, unless a person was called. */
const SOON = `
  select 'unlock ' || id || ' is stuck in ' || status as broken from lead_unlocks
    where status in ('NEW_LEAD', 'TEASER_SENT', 'CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT',
      'PAID') and not ${OPEN('lead_unlocks.id')} and not ${STUCK('lead_unlocks')}
  union all
  select 'unlock ' || id || ' still waits for its delivery to be confirmed' from lead_unlocks
    where status = 'REVEAL_DETAILS_SENT' and not ${OPEN('lead_unlocks.id')} and not ${MONEY_BACK}
  union all
  select '6: unlock ' || u.id || ' is ' || u.status || ' though ' || p.id || ' opted out' from lead_unlocks u
    join providers p on p.id = u.provider_id
    where p.opted_out_at is not null and u.status not in ('REVEAL_DETAILS_SENT', 'DONE', 'EXPIRED', 'OPTED_OUT')
  union all
  select 'message ' || id || ' (' || dedupe_key || ') is stuck in ' || status from outbound_messages
    where status in ('pending', 'sending', 'unknown')
      and not ${OPEN('outbound_messages.unlock_id')} and not ${OPEN_ABOUT(`'message:' || outbound_messages.id`)}
      and not ${STUCK('outbound_messages')}
  union all
  select 'message ' || m.id || ' (' || dedupe_key || ') is ' || m.status || ' though nobody pays for it'
    from outbound_messages m join lead_unlocks on lead_unlocks.id = m.unlock_id
    where m.purpose = 'reveal' and m.status = 'pending' and ${MONEY_BACK}
  union all
  select '5: inbox row ' || id || ' (' || source || ') is stuck in ' || status from webhook_inbox
    where status <> 'processed' and not ${OPEN_ABOUT(`'inbox:' || webhook_inbox.id`)} and not ${STUCK('webhook_inbox')}
  union all
  select 'link ' || id || ' is not closed' from payment_links
    where status = 'closing' and not ${OPEN_ABOUT(`'link:' || payment_links.id`)} and not ${STUCK('payment_links')}
  union all
  select '3: payment ' || id || ' is stuck in ' || status from payments
    where status in ('refund_due', 'refund_pending', 'refund_failed', 'held')
      and not ${OPEN_ABOUT(`'payment:' || payments.id`)} and not ${STUCK('payments')}
  union all
  select 'nobody was told of escalation ' || id || ' (' || kind || ')' from escalations
    where resolved_at is null and alerted_at is null
  union all
  select 'the gateway was not told that ' || id || ' opted out' from providers
    where gateway_unsubscribe_due and opted_out_at is not null and not ${OPEN_ABOUT(`'provider:' || providers.id`)}
  union all
  select '3: payment ' || p.id || ' is kept, and nothing was delivered for it' from payments p
    join lead_unlocks u on u.id = p.unlock_id
    where p.status = 'kept' and not ${OPEN('p.unlock_id')} and not exists (
      select 1 from outbound_messages m where m.unlock_id = u.id and m.purpose = 'reveal'
        and (m.status = 'delivered' or (m.status = 'accepted' and u.status = 'DONE')))
`

/** After all TTLs, and after a person retried what had failed. */
const AT_LAST = `
  select 'unlock ' || id || ' ends in ' || status as broken from lead_unlocks
    where status not in ('DONE', 'EXPIRED', 'OPTED_OUT')
      and not (status in ('PAID', 'REVEAL_DETAILS_SENT') and ${OPEN('lead_unlocks.id')})
      and not (status = 'REVEAL_DETAILS_SENT' and ${MONEY_BACK})
  union all
  select 'message ' || id || ' (' || dedupe_key || ') ends in ' || status from outbound_messages
    where status in ('pending', 'sending', 'unknown')
  union all
  select '5: inbox row ' || id || ' (' || source || ') ends in ' || status from webhook_inbox where status <> 'processed'
  union all
  select 'link ' || id || ' ends in ' || status from payment_links where status <> 'closed'
  union all
  select '4: unlock ' || u.id || ' got its details ' || m.times || ' times' from lead_unlocks u
    join lateral (select count(*) as times, count(*) filter (where status = 'undelivered') as lost
      from outbound_messages where unlock_id = u.id and purpose = 'reveal' and accepted_at is not null) m on true
    where m.times > m.lost + u.reveal_resends
      + (select count(*) from audit_log where action = 'unlock.retry-reveal' and target = 'unlock:' || u.id)
      + (select count(*) from unlock_events e where e.unlock_id = u.id and e.to_status = 'PAID' and e.from_status <> 'PAID')
  union all
  select 'escalation ' || id || ' is open though nothing is left to mend: ' || kind from escalations
    where resolved_at is null and kind in ('reveal_failed', 'link_not_closed', 'inbox_failed', 'forward_failed',
      'unsubscribe_failed', 'expire_failed', 'stuck')
`

/** Checks that what is due has been done by itself, or that a person was called. */
export async function checkSoon(world: World): Promise<void> {
  const broken = await world.database.rows<{ broken: string }>(SOON)
  world.violations.push(...broken.map((rule) => `after some hours ${rule.broken}`))
  await checkMoneyAtStripe(world)
}

/** Checks that nothing is left undone. */
export async function checkAtRest(world: World): Promise<void> {
  for (const rules of [SOON, AT_LAST]) {
    const broken = await world.database.rows<{ broken: string }>(rules)
    world.violations.push(...broken.map((rule) => `at the end ${rule.broken}`))
  }
  await checkMoneyAtStripe(world)
  checkLinksAtStripe(world)
  await checkEverythingArrived(world)
  await checkDatabaseSecrecy(world)
  await checkErasure(world)
}

/** Stripe's own books: money it holds is a payment of ours, and money that went back is no earning. */
async function checkMoneyAtStripe(world: World): Promise<void> {
  const rows = await world.database.rows<{ payment_intent_id: string; status: string }>(
    'select payment_intent_id, status from payments',
  )
  for (const charge of world.stripe.state.charges.all()) {
    const row = rows.find(({ payment_intent_id }) => payment_intent_id === charge.payment_intent)
    if (row === undefined) world.violations.push('3: money at Stripe that we do not know of')
    const isBack = charge.amount_refunded >= charge.amount
    if (isBack && row?.status !== 'refunded') {
      world.violations.push(`3: money went back to the payer, its payment is ${row?.status}`)
    }
    if (!isBack && row?.status === 'refunded') world.violations.push('3: a payment counts as refunded and is not')
  }
}

/** Once every offer is closed nobody can pay for one, on a link that anybody knows or on one that nobody knows. */
function checkLinksAtStripe({ stripe: { state }, violations }: World): void {
  const active = state.links.all().filter(({ link }) => link.active)
  if (active.length > 0) violations.push(`2: ${active.length} links can be paid at the end`)
}

/** Every text that people sent since the first lead, and every event about money, came in, whatever became of its webhook. */
async function checkEverythingArrived(world: World): Promise<void> {
  const rows = await world.database.rows<{ external_id: string; since: number }>(
    `select external_id, (select extract(epoch from min(created_at)) * 1000 from leads)::float8 as since from webhook_inbox`,
  )
  const since = rows[0]?.since ?? Number.POSITIVE_INFINITY
  const known = new Set(rows.map(({ external_id }) => external_id))
  const texts = world.textmagic.account.replies.filter((reply) => Date.parse(reply.receivedAt) >= since + 1000)
  for (const { id } of texts) if (!known.has(String(id))) world.violations.push(`5: text ${id} never came in`)
}

/** Nobody needs the details of a lead any more about which nothing is left to decide. */
async function checkErasure(world: World): Promise<void> {
  const rows = await world.database.rows<{ id: string }>(
    `select id from leads where not exists (select from escalations e join lead_unlocks u on u.id = e.unlock_id
       where u.lead_id = leads.id and e.resolved_at is null)`,
  )
  for (const { id } of rows) {
    const outcome = await erase(world, id)
    if (outcome !== 'erased') world.violations.push(`at the end ${id} cannot be erased: ${outcome}`)
  }
}

/** Locked fields, and texts that quote them, are sealed wherever they are stored. */
async function checkDatabaseSecrecy(world: World): Promise<void> {
  const tables = [
    'leads',
    'webhook_inbox',
    'outbound_messages',
    'escalations',
    'unlock_events',
    'lead_unlocks',
    'payments',
  ]
  const dump = await world.database.rows<{ content: string | null }>(
    tables.map((table) => `select string_agg(t::text, ' ') as content from ${table} t`).join(' union all '),
  )
  const locked = world.leads.flatMap((lead) => lead.locked)
  if (dump.some(({ content }) => locked.some((value) => content?.includes(value)))) {
    world.violations.push('7: the database holds a locked field in plain text')
  }
}
