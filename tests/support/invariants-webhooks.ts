import type { Evidence } from './evidence.ts'

/** Invariant 5, and that the timeline tells how each unlock came to its state. */
export async function webhookViolations(product: Evidence): Promise<string[]> {
  return [...(await handledOrEscalated(product)), ...(await timelinesHold(product))]
}

/** 5. Every webhook answered 200 ends processed, or visible as an escalation. */
async function handledOrEscalated(product: Evidence): Promise<string[]> {
  const lost = await product.rows<{ id: string; source: string; status: string }>(
    `select id, source, status from webhook_inbox i where status <> 'processed'
       and not exists (select 1 from escalations e where e.subject = 'inbox:' || i.id)`,
  )
  const stored = await product.rows<{ external_id: string }>('select external_id from webhook_inbox')
  const known = new Set(stored.map(({ external_id }) => external_id))
  const forgotten = [
    ...product.textmagic
      .callbacks()
      .filter(({ kind, status, id }) => kind === 'inbound' && status === 200 && !known.has(String(id)))
      .map(({ id }) => `text ${id}`),
    ...product.stripe
      .events()
      .filter(({ id, attempts }) => attempts.some(({ status }) => status === 200) && !known.has(id))
      .map(({ id }) => `event ${id}`),
  ]
  return [
    ...lost.map(({ id, source, status }) => `5: ${source} message ${id} is ${status}, and nobody is told`),
    ...forgotten.map((what) => `5: ${what} was answered 200 and is not stored`),
  ]
}

/** Each step of a timeline starts where the one before ended, and the last ends at the unlock's state. */
async function timelinesHold(product: Evidence): Promise<string[]> {
  const broken = await product.rows<{ id: number }>(
    `select u.id from lead_unlocks u left join lateral (
       select e.from_status, coalesce(lag(e.to_status) over (order by e.id), 'NEW_LEAD') as before
       from unlock_events e where e.unlock_id = u.id) step on true
     where step.from_status is distinct from step.before and step.from_status is not null
     union
     select u.id from lead_unlocks u where u.status <> coalesce(
       (select e.to_status from unlock_events e where e.unlock_id = u.id order by e.id desc limit 1), 'NEW_LEAD')`,
  )
  return broken.map(({ id }) => `the timeline of unlock ${id} has a gap`)
}
