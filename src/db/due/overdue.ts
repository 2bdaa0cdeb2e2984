import type { EntityManager } from '../postgres/orm.ts'
import { EXPIRED, KINDS, UNCONFIRMED } from './due.ts'

/** What may be overdue: the tables whose rows are due, unlocks past their TTL, and reveals to be confirmed. */
export const OVERDUE_WORK: readonly string[] = [...KINDS.map(({ table }) => table), 'expiry', 'confirmation']

const QUERIES = [
  ...KINDS.map(({ table, where }) =>
    oldest(table, table, `${where} and next_attempt_at <= app_now()`, 'next_attempt_at'),
  ),
  oldest('expiry', 'lead_unlocks', EXPIRED, 'ttl_expires_at'),
  oldest('confirmation', 'lead_unlocks', UNCONFIRMED, 'reveal_confirm_at'),
]

/**
 * For how long the oldest due row of each kind of work is overdue, seconds; 0 where none is. The sweep puts off what it
 * wakes up, so this grows when it does not run or does not keep up.
 */
export async function overdueWork(tx: EntityManager): Promise<Map<string, number>> {
  const rows = await tx.execute<{ work: string; age: string | null }[]>(QUERIES.join(' union all '))
  return new Map(rows.map(({ work, age }) => [work, Number(age ?? 0)]))
}

function oldest(work: string, table: string, where: string, since: string): string {
  return `select '${work}' as work, extract(epoch from app_now() - min(${since})) as age from ${table} where ${where}`
}
