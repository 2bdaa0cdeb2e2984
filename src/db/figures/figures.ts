import { UNLOCK_STATUSES, type UnlockStatus } from '../../domain/states.ts'
import { overdueWork } from '../due/overdue.ts'
import { PARKED_AFTER } from '../due/parking.ts'
import type { EscalationKind } from '../escalations/escalations.ts'
import type { InboxSource } from '../inbox/sources.ts'
import { oneOf } from '../postgres/one-of.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'

/** The states an unlock ends in. Nearly all rows are in one of them, so they are counted apart and less often. */
export const CLOSED_STATUSES = ['DONE', 'EXPIRED', 'OPTED_OUT'] as const satisfies readonly UnlockStatus[]
export type ClosedStatus = (typeof CLOSED_STATUSES)[number]

export const OPEN_STATUSES = UNLOCK_STATUSES.filter(
  (status): status is Exclude<UnlockStatus, ClosedStatus> => !CLOSED_STATUSES.some((closed) => closed === status),
)

/** Longest that a query for figures may run, milliseconds: work must not wait for those who look at it. */
const OPEN_TIMEOUT_MS = 2_000
const CLOSED_TIMEOUT_MS = 10_000

/** What is going on. Every figure is found by a partial index, or by one that starts with the state. */
export type OpenFigures = {
  unlocks: Map<UnlockStatus, number>
  escalations: Map<EscalationKind, number>
  /** Age of the oldest payment whose details have not gone out, seconds; 0 when there is none. */
  oldestUnrevealedSeconds: number
  /** Age of the oldest arrival that nobody has handled, seconds; those that wait for a person are left out. */
  inboxAgeSeconds: Map<InboxSource, number>
  /** For how long work is overdue that the sweep should have found, seconds. */
  overdueSeconds: Map<string, number>
}

/** Reads what is going on. Takes tens of milliseconds, however many unlocks are closed. */
export function openFigures(em: EntityManager): Promise<OpenFigures> {
  return withTimeout(em, OPEN_TIMEOUT_MS, async (tx) => ({
    unlocks: await countUnlocks(tx, OPEN_STATUSES),
    escalations: await pairs(
      tx,
      'select kind as name, count(*) as value from escalations where resolved_at is null group by 1',
    ),
    oldestUnrevealedSeconds: await oldestUnrevealed(tx),
    inboxAgeSeconds: await pairs(
      tx,
      `select source as name, extract(epoch from app_now() - min(received_at)) as value from webhook_inbox
       where status in ('received', 'forwarding') and next_attempt_at < ? group by 1`,
      [PARKED_AFTER],
    ),
    overdueSeconds: await overdueWork(tx),
  }))
}

/** Counts the unlocks that are over: reads the whole table, which takes a second for three millions of them. */
export function closedUnlocks(em: EntityManager): Promise<Map<UnlockStatus, number>> {
  return withTimeout(em, CLOSED_TIMEOUT_MS, (tx) => countUnlocks(tx, CLOSED_STATUSES))
}

function countUnlocks(tx: EntityManager, statuses: readonly UnlockStatus[]): Promise<Map<UnlockStatus, number>> {
  return pairs(
    tx,
    `select status as name, count(*) as value from lead_unlocks where status in ${oneOf(statuses)} group by 1`,
  )
}

async function oldestUnrevealed(tx: EntityManager): Promise<number> {
  const [row] = await tx.execute<{ age: string | null }[]>(
    `select extract(epoch from app_now() - min(paid_at)) as age from lead_unlocks where status = 'PAID'`,
  )
  return Number(row?.age ?? 0)
}

async function pairs<K extends string>(
  tx: EntityManager,
  sql: string,
  values: unknown[] = [],
): Promise<Map<K, number>> {
  const rows = await tx.execute<{ name: K; value: string }[]>(sql, values)
  return new Map(rows.map(({ name, value }) => [name, Number(value)]))
}

function withTimeout<T>(em: EntityManager, ms: number, read: (tx: EntityManager) => Promise<T>): Promise<T> {
  return inTransaction(em, async (tx) => {
    await tx.execute(`set local statement_timeout = ${ms}`)
    return read(tx)
  })
}
