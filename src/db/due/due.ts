import { PATIENT_ATTEMPTS } from '../../domain/backoff.ts'
import type { Due } from '../../domain/due.ts'
import { UNSENT_STATUSES } from '../../domain/outbound.ts'
import { RETURNING_STATUSES } from '../../domain/refunds.ts'
import { LINK_DUE_STATUSES, UNPAID_STATUSES } from '../../domain/states.ts'
import { openEscalation } from '../escalations/escalations.ts'
import { handlingOf, type InboxSource } from '../inbox/sources.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { PARKED_UNTIL } from './parking.ts'

/** One sweep at a time over all processes. */
const SWEEP_LOCK = 7_701_001

/**
 * One kind of due work: the rows of `table` for which `where` holds and whose `next_attempt_at` has come. Each kind has a
 * partial index that answers the question, and a batch of its own, so that a poison row starves nobody.
 */
type Kind = {
  table: string
  where: string
  /** Those that `toDue` reads, and `unlock_id` of rows that are about one. */
  columns: string
  /** SQL for the request that the row came with; where there is none, the sweep's own id follows the work from here on. */
  requestId?: string
  toDue(row: Row): Due
  /** Rows that only repeat an alert are never given up. */
  neverGivenUp?: boolean
}

type Row = Record<string, string | number | null>

/** Work to wake up, and the id of the request it began with, where its row tells. */
export type WakeUp = { due: Due; requestId: string | null }

/** Wake-ups after which a row waits for a person, some seven hours: whatever it is, another one would not mend it. */
const MAX_WAKE_UPS = 25

/**
 * For how long a row that was woken up is put off: 20 s, 40 s … 320 s, which is about the longest pause between two attempts
 * of its job, for as many wake-ups as the job has attempts. While a gateway is away Redis may lose the job at any time: put
 * off for longer, the row would be tried again long after the gateway is back. After that, 32 minutes.
 */
const PUT_OFF = `make_interval(secs => least(20 * 2 ^ least(attempts, 7),
  case when attempts < ${PATIENT_ATTEMPTS} then 320 else 1920 end))`

const id = (value: string | number | null | undefined): number => Number(value)

export const KINDS: readonly Kind[] = [
  {
    table: 'webhook_inbox',
    where: `status in ('received', 'forwarding')`,
    columns: 'id, source, status',
    requestId: 'request_id',
    toDue(row) {
      if (row.status === 'forwarding') return { job: 'forward-message', inbox_id: id(row.id) }
      return handlingOf(row.source as InboxSource, id(row.id))
    },
  },
  {
    table: 'outbound_messages',
    where: `status in ${oneOf(UNSENT_STATUSES)}`,
    columns: 'id, purpose, unlock_id',
    requestId: '(select request_id from webhook_inbox reply where reply.id = inbox_id)',
    toDue(row) {
      const unlock_id = id(row.unlock_id)
      if (row.purpose === 'teaser') return { job: 'send-teaser', unlock_id }
      if (row.purpose === 'payment_link') return { job: 'create-payment-link', unlock_id }
      if (row.purpose === 'reveal') return { job: 'reveal', unlock_id }
      return { job: 'send-notice', message_id: id(row.id) }
    },
  },
  {
    table: 'lead_unlocks',
    where: `(status in ${oneOf([...LINK_DUE_STATUSES, 'PAID'])} or link_unrecorded)`,
    columns: 'id, id as unlock_id, status',
    toDue: (row) =>
      row.status === 'PAID'
        ? { job: 'reveal', unlock_id: id(row.id) }
        : { job: 'create-payment-link', unlock_id: id(row.id) },
  },
  {
    table: 'payment_links',
    where: `status = 'closing'`,
    columns: 'id, unlock_id',
    toDue: (row) => ({ job: 'close-payment-link', payment_link_id: id(row.id) }),
  },
  {
    table: 'payments',
    where: `status in ${oneOf(RETURNING_STATUSES)}`,
    columns: 'id, unlock_id',
    toDue: (row) => ({ job: 'refund-payment', payment_id: id(row.id) }),
  },
  {
    table: 'escalations',
    where: 'alerted_at is null and resolved_at is null',
    columns: 'id',
    toDue: (row) => ({ job: 'alert', escalation_id: id(row.id) }),
    neverGivenUp: true,
  },
]

/**
 * Finds what is due and has waited longer than its wake-up should have taken, at most `batch` rows of a kind, and puts each
 * off (20 s, 40 s … 5 min, at last 32 min) so that the next sweep sees others.
 *
 * @returns what to wake up, or null when another process is sweeping
 */
export async function claimDue(tx: EntityManager, batch: number): Promise<WakeUp[] | null> {
  const [lock] = await tx.execute<{ locked: boolean }[]>('select pg_try_advisory_xact_lock(?) as locked', [SWEEP_LOCK])
  if (lock?.locked !== true) return null
  const wakeUps: WakeUp[] = []
  for (const kind of KINDS) wakeUps.push(...(await claimKind(tx, kind, batch)))
  for (const find of [findExpired, findUnconfirmed, findUntold]) {
    wakeUps.push(...(await find(tx, batch)).map((due) => ({ due, requestId: null })))
  }
  return wakeUps
}

async function claimKind(tx: EntityManager, kind: Kind, batch: number): Promise<WakeUp[]> {
  const rows = await tx.execute<Row[]>(
    `update ${kind.table} set attempts = attempts + 1,
       next_attempt_at = app_now() + ${PUT_OFF}
     where id in (
       select id from ${kind.table} where ${kind.where} and next_attempt_at <= app_now()
       order by next_attempt_at limit ? for update skip locked)
     returning ${kind.columns}, attempts, ${kind.requestId ?? 'null'} as request_id`,
    [batch],
  )
  const wakeUps: WakeUp[] = []
  for (const row of rows) {
    const isPoison = Number(row.attempts) > MAX_WAKE_UPS && kind.neverGivenUp !== true
    const requestId = typeof row.request_id === 'string' ? row.request_id : null
    const due = isPoison ? await giveUp(tx, kind, row) : [kind.toDue(row)]
    wakeUps.push(...due.map((one) => ({ due: one, requestId })))
  }
  return wakeUps
}

/** A row that no wake-up has brought forward starves nobody any more: it is parked, and a person is called. */
async function giveUp(tx: EntityManager, kind: Kind, row: Row): Promise<Due[]> {
  await tx.execute(`update ${kind.table} set next_attempt_at = ? where id = ?`, [PARKED_UNTIL, row.id])
  const summary = `Row ${row.id} of ${kind.table} is still due after ${MAX_WAKE_UPS} wake-ups (job ${kind.toDue(row).job}).`
  const unlockId = row.unlock_id == null ? null : id(row.unlock_id)
  return openEscalation(tx, { kind: 'stuck', subject: `${kind.table}:${row.id}`, unlockId, summary })
}

/** SQL for unpaid unlocks past their TTL; one that waits for a person expires all the same. */
export const EXPIRED = `ttl_expires_at <= app_now() and status in ${oneOf(UNPAID_STATUSES)}`

/** SQL for reveals whose time to be confirmed has come. */
export const UNCONFIRMED = `status = 'REVEAL_DETAILS_SENT' and reveal_confirm_at <= app_now()`

/** Those that no job could close are a person's, who is called once: they are not to starve the others. */
async function findExpired(tx: EntityManager, batch: number): Promise<Due[]> {
  const rows = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks u where ${EXPIRED}
       and not exists (select from escalations where kind = 'expire_failed' and subject = 'unlock:' || u.id
         and resolved_at is null)
     order by ttl_expires_at limit ?`,
    [batch],
  )
  return rows.map(({ id }) => ({ job: 'expire', unlock_id: id }))
}

async function findUnconfirmed(tx: EntityManager, batch: number): Promise<Due[]> {
  const rows = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks where ${UNCONFIRMED} order by reveal_confirm_at limit ?`,
    [batch],
  )
  return rows.map(({ id }) => ({ job: 'confirm-delivery', unlock_id: id }))
}

/** Opt-outs that the SMS gateway has not been told of, and no person was asked to tell it, whose matter it is then. */
async function findUntold(tx: EntityManager, batch: number): Promise<Due[]> {
  const rows = await tx.execute<{ id: string }[]>(
    `select id from providers p where gateway_unsubscribe_due and opted_out_at is not null
       and not exists (select from escalations where kind = 'unsubscribe_failed' and subject = 'provider:' || p.id
         and resolved_at is null)
     order by opted_out_at limit ?`,
    [batch],
  )
  return rows.map(({ id }) => ({ job: 'unsubscribe-number', provider_id: id }))
}
