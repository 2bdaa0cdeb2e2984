import type { Evidence } from './evidence.ts'

/** Invariants 2 and 3: payment links and payments, here and at Stripe. */
export async function moneyViolations(product: Evidence): Promise<string[]> {
  return [
    ...(await oneActiveLink(product)),
    ...(await oneKeptPayment(product)),
    ...(await keptPaymentsEnd(product)),
    ...(await disputesAreTold(product)),
  ]
}

/** 2. Per unlock at most one active payment link: the one that is open here, and none that nobody knows of. */
async function oneActiveLink(product: Evidence): Promise<string[]> {
  const active = product.stripe.links().filter((link) => link.active)
  const violations: string[] = []
  for (const [unlockId, links] of Map.groupBy(active, ({ metadata }) => metadata.unlock_id)) {
    if (links.length > 1) violations.push(`2: unlock ${unlockId} has ${links.length} active links`)
  }
  const open = await product.rows<{ stripe_id: string; status: string }>(
    `select l.stripe_id, u.status from payment_links l join lead_unlocks u on u.id = l.unlock_id where l.status = 'open'`,
  )
  for (const { stripe_id, status } of open) {
    const waits = ['CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'].includes(status)
    if (!waits) violations.push(`2: link ${stripe_id} is open though its unlock is ${status}`)
  }
  const known = new Set(open.map(({ stripe_id }) => stripe_id))
  const excused = await product.rows<{ stripe_id: string }>(
    `select stripe_id from payment_links l join escalations e on e.subject = 'link:' || l.id where e.resolved_at is null`,
  )
  for (const { stripe_id } of excused) known.add(stripe_id)
  const unknown = active.filter(({ id }) => !known.has(id))
  return [...violations, ...unknown.map(({ id }) => `2: link ${id} is active at Stripe and not open here`)]
}

/** 2. At most one kept payment per unlock; and every payment Stripe took is here, or its event is. */
async function oneKeptPayment(product: Evidence): Promise<string[]> {
  const twice = await product.rows<{ unlock_id: number }>(
    `select unlock_id from payments where status = 'kept' group by unlock_id having count(*) > 1`,
  )
  const rows = await product.rows<{ payment_intent_id: string; status: string }>(
    'select payment_intent_id, status from payments',
  )
  const byIntent = new Map(rows.map((row) => [row.payment_intent_id, row.status]))
  const lost = new Set(
    product.stripe
      .disputes()
      .filter(({ status }) => status === 'lost')
      .map(({ payment_intent }) => payment_intent),
  )
  const strays = product.stripe.charges().flatMap((charge) => {
    const status = byIntent.get(charge.payment_intent)
    if (status === undefined)
      return charge.refunded || lost.has(charge.payment_intent)
        ? []
        : [`3: Stripe holds money of ${charge.payment_intent} unknown here`]
    if (status === 'refunded' && !charge.refunded) return [`3: ${charge.payment_intent} is not refunded at Stripe`]
    if (status === 'kept' && charge.refunded) return [`3: ${charge.payment_intent} is kept here, refunded at Stripe`]
    return []
  })
  return [...twice.map(({ unlock_id }) => `2: unlock ${unlock_id} has two kept payments`), ...strays]
}

/** 3. Every kept payment ends in a delivered reveal, a refund, or an open escalation. */
async function keptPaymentsEnd(product: Evidence): Promise<string[]> {
  const lost = await product.rows<{ id: number; payment: string; unlock: string | null }>(
    `select p.id, p.status as payment, u.status as unlock from payments p left join lead_unlocks u on u.id = p.unlock_id
     where not (p.status = 'kept' and u.status = 'DONE' and exists (select 1 from outbound_messages m
         where m.unlock_id = u.id and m.purpose = 'reveal' and m.status in ('accepted', 'delivered')))
       and p.status not in ('refunded', 'refund_pending')
       -- The bank has paid the money back.
       and not (p.status = 'refund_failed' and p.dispute_status is not distinct from 'closed: lost')
       and not exists (select 1 from escalations e where e.resolved_at is null
         and (e.subject in ('payment:' || p.id, 'unlock:' || p.unlock_id)
           or e.subject in (select 'refund:' || refund_id from refunds where payment_id = p.id)
           or e.kind = 'refund_failed'
             and e.subject in (select 'dispute:' || dispute_id from payment_disputes where payment_id = p.id)))`,
  )
  return lost.map(
    ({ id, payment, unlock }) => `3: payment ${id} is ${payment}, its unlock ${unlock}, and nobody is told`,
  )
}

/** 3. Of every dispute that is open, a person was told. */
async function disputesAreTold(product: Evidence): Promise<string[]> {
  const payments = await product.rows<{ intent: string }>('select payment_intent_id as intent from payments')
  const known = new Set(payments.map(({ intent }) => intent))
  const told = await product.rows<{ subject: string }>(`select subject from escalations where kind = 'dispute'`)
  const subjects = new Set(told.map(({ subject }) => subject))
  return product.stripe
    .disputes()
    .filter(({ status, payment_intent }) => status === 'needs_response' && known.has(payment_intent))
    .filter(({ id }) => !subjects.has(`dispute:${id}`))
    .map(({ id }) => `3: nobody is told of dispute ${id}`)
}
