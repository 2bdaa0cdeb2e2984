import { classifyReply } from '../../src/domain/replies.ts'
import type { Evidence } from './evidence.ts'
import { lockedValues } from './locked-values.ts'
import { STOP_CONFIRMATION } from './provider.ts'

type Row = {
  id: number
  purpose: string
  status: string
  phone: string
  gateway_id: string | null
  lead_id: string | null
  paid_before: boolean
}

/** Invariants 1, 4 and 6: what the gateway accepted from us. */
export async function smsViolations(product: Evidence): Promise<string[]> {
  const rows = await product.rows<Row>(
    `select m.id, m.purpose, m.status, m.phone, m.gateway_id, u.lead_id,
       exists (select 1 from unlock_events e
         where e.unlock_id = m.unlock_id and e.to_status = 'PAID' and e.at <= m.claimed_at) as paid_before
     from outbound_messages m left join lead_unlocks u on u.id = m.unlock_id`,
  )
  return [...acceptedOnce(product, rows), ...(await lockedOnlyWhenPaid(product, rows)), ...silentAfterStop(product)]
}

/** 4. Per purpose, the gateway accepts one SMS; and what we believe of each message is what the gateway knows. */
function acceptedOnce(product: Evidence, rows: Row[]): string[] {
  const violations: string[] = []
  const accepted = Map.groupBy(product.textmagic.messages(), ({ referenceId }) => referenceId ?? 'none')
  for (const row of rows) {
    const [message, ...more] = accepted.get(String(row.id)) ?? []
    const where = `${row.purpose} message ${row.id} (${row.status})`
    if (more.length > 0) violations.push(`4: ${where} was accepted ${more.length + 1} times`)
    const believed = ['accepted', 'delivered', 'undelivered'].includes(row.status)
    if (believed !== (message !== undefined)) violations.push(`4: ${where}, accepted by the gateway: ${!believed}`)
    if (message === undefined) continue
    if (`+${message.phone}` !== row.phone) violations.push(`4: ${where} went to another number`)
    if (row.gateway_id !== String(message.id)) violations.push(`4: ${where} has another gateway id`)
  }
  const known = new Set(rows.map(({ id }) => String(id)))
  for (const reference of accepted.keys()) {
    if (!known.has(reference)) violations.push(`4: the gateway accepted ${reference}, which is no message of ours`)
  }
  return violations
}

/** 1. No SMS holds a locked field unless its unlock is PAID or later. */
async function lockedOnlyWhenPaid(product: Evidence, rows: Row[]): Promise<string[]> {
  const byId = new Map(rows.map((row) => [String(row.id), row]))
  const leads = await lockedValues(product)
  return product.textmagic.messages().flatMap(({ text, referenceId }) => {
    const row = byId.get(referenceId ?? '')
    const own = leads.get(row?.lead_id ?? '') ?? []
    const mayHold = row?.purpose === 'reveal' && row.paid_before ? own : []
    const leaked = [...leads.values()].flat().filter((value) => text.includes(value) && !mayHold.includes(value))
    return leaked.length === 0 ? [] : [`1: ${row?.purpose} message ${referenceId} holds a locked field`]
  })
}

/** 6. After STOP was answered 200, the provider gets its one confirmation and nothing else, until START. */
function silentAfterStop(product: Evidence): string[] {
  const violations: string[] = []
  for (const [phone, periods] of optedOutPeriods(product)) {
    for (const { from, to } of periods) {
      const later = product.textmagic
        .messages()
        .filter((one) => one.phone === phone && one.acceptedAt > from && (to === null || one.acceptedAt < to))
      const others = later.filter(({ text }) => !STOP_CONFIRMATION.test(text))
      if (later.length - others.length > 1) violations.push(`6: ${phone} got more than one confirmation of STOP`)
      if (others.length > 0) violations.push(`6: ${phone} got ${others.length} texts after STOP`)
    }
  }
  return violations
}

type Period = { from: string; to: string | null }

/** When the STOPs and STARTs of registered providers were answered 200; one sent before the last that counted does not. */
function optedOutPeriods(product: Evidence): Map<string, Period[]> {
  const sent = new Map(product.textmagic.replies().map((reply) => [reply.id, reply]))
  const periods = new Map<string, Period[]>()
  const newest = new Map<string, string>()
  for (const { kind, id, status, at } of product.textmagic.callbacks()) {
    const reply = sent.get(id)
    if (kind !== 'inbound' || status !== 200 || reply === undefined) continue
    const said = classifyReply(reply.text).kind
    if (said !== 'stop' && said !== 'start') continue
    if (reply.receivedAt < (newest.get(reply.from) ?? '')) continue
    newest.set(reply.from, reply.receivedAt)
    const own = periods.get(reply.from) ?? []
    const open = own.find(({ to }) => to === null)
    if (said === 'stop' && open === undefined) own.push({ from: at, to: null })
    if (said === 'start' && open !== undefined) open.to = at
    periods.set(reply.from, own)
  }
  return periods
}
