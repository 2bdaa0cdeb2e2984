import type { EntityManager } from './orm.ts'

/** The database's clock, where no row was read with its time (`dbNow`). The one of this process may be wrong. */
export async function databaseNow(tx: EntityManager): Promise<Date> {
  const [row] = await tx.execute<{ ms: string }[]>('select extract(epoch from app_now()) * 1000 as ms')
  return new Date(Number(row?.ms))
}

/** @returns the moment `ms` milliseconds after `date` */
export function after(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms)
}
