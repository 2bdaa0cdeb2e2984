import type { PaymentStatus } from '../../domain/refunds.ts'
import type { UnlockStatus } from '../../domain/states.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { afterPlace, type Condition, micros, type Place, whereAll } from './listing.ts'
import { type PaymentFilter, paymentConditions } from './payment-list.ts'
import { type UnlockFilter, unlockConditions } from './unlock-list.ts'

/** Rows held in memory at a time. */
const BATCH = 500

/** Times as ISO 8601 in UTC; null where something has not happened. */
export type ExportedUnlock = {
  id: number
  lead_id: string
  city: string
  service_type: string
  provider_id: string
  status: UnlockStatus
  closed_reason: string | null
  price_cents: number
  currency: string
  created_at: string
  ttl_expires_at: string
  teaser_sent_at: string | null
  paid_at: string | null
  unlocked_at: string | null
  payment_link_id: string | null
  checkout_session_id: string | null
  payment_intent_id: string | null
}

export type ExportedPayment = {
  id: number
  unlock_id: number | null
  lead_id: string | null
  provider_id: string | null
  city: string | null
  status: PaymentStatus
  amount_cents: number
  refunded_cents: number
  currency: string
  refund_reason: string | null
  dispute_status: string | null
  created_at: string
  updated_at: string
  checkout_session_id: string
  payment_intent_id: string | null
  refund_id: string | null
}

/**
 * Unlocks, newest first, some at a time. Between two batches nothing is held, neither a connection nor a snapshot: whoever
 * reads slowly, or not to the end, costs nothing. An unlock comes once, as it is when its batch is read.
 */
export function exportUnlocks(em: EntityManager, filter: UnlockFilter): AsyncGenerator<ExportedUnlock[]> {
  return inBatches(em, {
    table: 'lead_unlocks',
    conditions: unlockConditions(filter),
    columns: `lead_id, city, service_type, provider_id, status, closed_reason, price_cents, currency, payment_link_id,
      checkout_session_id, payment_intent_id`,
    times: ['created_at', 'ttl_expires_at', 'teaser_sent_at', 'paid_at', 'unlocked_at'],
    joins: 'join leads on leads.id = page.lead_id',
  })
}

/** Payments, newest first; like `exportUnlocks`. */
export function exportPayments(em: EntityManager, filter: PaymentFilter): AsyncGenerator<ExportedPayment[]> {
  return inBatches(em, {
    table: 'payments',
    conditions: paymentConditions(filter),
    columns: `unlock_id, lead_id, provider_id, city, page.status, amount_cents, refunded_cents, page.currency, refund_reason,
      dispute_status, page.checkout_session_id, page.payment_intent_id, refund_id`,
    times: ['created_at', 'updated_at'],
    joins:
      'left join lead_unlocks on lead_unlocks.id = page.unlock_id left join leads on leads.id = lead_unlocks.lead_id',
  })
}

type Source = {
  table: 'lead_unlocks' | 'payments'
  conditions: readonly Condition[]
  columns: string
  /** Columns of the table, as ISO 8601 in UTC. */
  times: readonly string[]
  /** Begins with a row of the table, as `page`. */
  joins: string
}

async function* inBatches<Row extends { id: number }>(em: EntityManager, source: Source): AsyncGenerator<Row[]> {
  const times = source.times.map(
    (column) => `to_char(page.${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`,
  )
  let after: Place<number> | null = null
  while (true) {
    const { where, values } = whereAll([...source.conditions, afterPlace(after)])
    const rows: (Row & { micros: string })[] = await em.fork().execute(
      `select page.id, ${source.columns}, ${times.join(', ')}, ${micros('page.created_at')} as micros
       from (select * from ${source.table} ${where} order by created_at desc, id desc limit ?) page ${source.joins}
       order by page.created_at desc, page.id desc`,
      [...values, BATCH],
    )
    yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < BATCH) return
    after = { id: last.id, createdMicros: Number(last.micros) }
  }
}
