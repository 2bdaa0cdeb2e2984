import { knownLinks } from './actions-money.ts'
import { noteNumbers } from './actions-numbers.ts'
import type { World } from './world.ts'

/** Rules of the database alone, by the numbers of docs/decisions/019-simulation.md: each query finds what breaks one. */
const RULES = `
  select '2: two kept payments of unlock ' || unlock_id as broken from payments
    where status = 'kept' group by unlock_id having count(*) > 1
  union all
  select '2: two open links of unlock ' || unlock_id from payment_links
    where status = 'open' group by unlock_id having count(*) > 1
  union all
  select '3: unlock ' || u.id || ' is PAID and no payment is kept for it' from lead_unlocks u
    where u.status = 'PAID' and not exists (select 1 from payments p where p.unlock_id = u.id and p.status = 'kept')
  union all
  select '3: payment ' || p.id || ' is kept for unlock ' || u.id || ', which is ' || u.status
    from payments p join lead_unlocks u on u.id = p.unlock_id
    where p.status = 'kept' and u.status not in ('PAID', 'REVEAL_DETAILS_SENT', 'DONE')
  union all
  select 'unlock ' || u.id || ' is ' || u.status || ', its timeline ends in ' || e.to_status from lead_unlocks u
    join lateral (select to_status from unlock_events where unlock_id = u.id order by id desc limit 1) e on true
    where e.to_status <> u.status
  union all
  select 'the timeline of unlock ' || e.unlock_id || ' jumps from ' || e.before || ' to ' || e.from_status
    from (select unlock_id, from_status,
      lag(to_status) over (partition by unlock_id order by id) as before from unlock_events) e
    where e.before <> e.from_status
  union all
  select 'link ' || l.id || ' is open, its unlock ' || u.id || ' is ' || u.status
    from payment_links l join lead_unlocks u on u.id = l.unlock_id
    where l.status = 'open' and u.status not in ('CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT')
  union all
  select '6: ' || p.id || ' is subscribed, the number has said STOP' from providers p
    join stopped_numbers s on s.phone = p.phone where p.opted_out_at is null
  union all
  select 'a job that needs the database alone was given up: ' || e.kind || ' of ' || e.subject from escalations e
    left join webhook_inbox i on e.subject = 'inbox:' || i.id
    where e.kind = 'expire_failed' or (e.kind = 'inbox_failed' and i.source <> 'textmagic_delivery')
`

/** Every link there is, and whose it is. */
const LINKS = `
  select null as broken, l.stripe_id, l.url, l.status, u.provider_id from payment_links l
    join lead_unlocks u on u.id = l.unlock_id
`

export type KnownLink = { stripe_id: string; url: string; status: string; provider_id: string }

/** What breaks a rule, and the links, in one round trip. */
const STEP = `select broken, null as stripe_id, null as url, null as status, null as provider_id from (${RULES}) as rules
  union all ${LINKS}`

/** Checks what must hold after every step. What concerns a single SMS is checked when the gateway accepts it. */
export async function checkStep(world: World): Promise<void> {
  if (!world.unchecked) return
  world.unchecked = false
  // Nothing but what was committed since can have broken a rule of the database.
  if (world.database.takeChanged()) {
    const rows = await world.database.rows<KnownLink & { broken: string | null }>(STEP)
    world.violations.push(...rows.flatMap(({ broken }) => broken ?? []))
    world.links = rows.filter(({ broken }) => broken === null)
    await noteNumbers(world)
  }
  checkLinks(world)
  checkSecrecy(world)
}

/** Every page a provider can pay on is one we know of, is theirs, and is at least being closed when its unlock moved on. */
function checkLinks(world: World): void {
  const urls = knownLinks(world)
  for (const url of urls) {
    const row = world.links.find((one) => one.url === url)
    if (row === undefined) {
      world.violations.push('2: somebody was sent a link that we do not know')
      continue
    }
    const receivers = world.accepted.filter(({ text }) => text.includes(url)).map(({ phone }) => phone)
    const theirs = world.numbers.filter(({ provider }) => provider === row.provider_id)
    if (receivers.some((phone) => !theirs.some((number) => number.phone.slice(1) === phone))) {
      world.violations.push('2: somebody was sent the link of somebody else')
    }
    if (row.status === 'closed' && isPayable(world, row.stripe_id)) {
      world.violations.push('2: a link that counts as closed can be paid')
    }
  }
}

function isPayable({ stripe: { state } }: World, linkId: string): boolean {
  const open = state.sessions.all().some(({ payment_link, status }) => payment_link === linkId && status === 'open')
  return open || state.links.get(linkId)?.link.active === true
}

/** Nothing that leaves the process but a reveal says what is sold: no log line, no job, no alert, no URL. */
function checkSecrecy(world: World): void {
  const locked = world.leads.flatMap((lead) => lead.locked)
  const told = { log: world.log, job: world.queues.published, alert: world.post.alerts }
  for (const [where, lines] of Object.entries(told)) {
    const leak = lines.splice(0).some((line) => locked.some((value) => line.includes(value)))
    if (leak) world.violations.push(`7: a ${where} holds a locked field`)
  }
}
