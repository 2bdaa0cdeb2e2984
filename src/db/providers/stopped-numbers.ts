import type { EntityManager } from '../postgres/orm.ts'

/**
 * Held alone by who gives numbers to providers, together by those who store a STOP: whoever comes second sees what the
 * first did. Taken before any row is locked; after it providers, and their numbers last.
 */
const NUMBERS_LOCK = 4_155_001

/**
 * Before numbers are given to providers: waits for others who do that, and for each STOP that is being stored. A STOP must not
 * wait for long in its turn: whoever gives numbers gets no lock within 2 s, or stands still for 5 s, gives up.
 */
export async function lockNumbersToGive(tx: EntityManager): Promise<void> {
  await tx.execute(
    `set local lock_timeout = '2s'; set local idle_in_transaction_session_timeout = '5s'; select pg_advisory_xact_lock(?)`,
    [NUMBERS_LOCK],
  )
}

/** Before a STOP is stored: waits for numbers that are being given to providers. */
export async function lockNumbersForStop(tx: EntityManager): Promise<void> {
  await tx.execute('select pg_advisory_xact_lock_shared(?)', [NUMBERS_LOCK])
}

/**
 * Remembers that a number has said STOP, unless a provider with this number has said START since.
 *
 * @param phone E.164
 * @param at the sender's time; now when it is not known
 */
export async function rememberStop(tx: EntityManager, phone: string, at: Date | null): Promise<void> {
  await tx.execute(
    `insert into stopped_numbers (phone, stopped_at)
     select ?, said.at from (select least(coalesce(?::timestamptz, app_now()), app_now())) said (at)
     where not exists (select from providers
       where phone = ? and opted_out_at is null and subscription_changed_at > said.at)
     on conflict (phone) do update set stopped_at = greatest(stopped_numbers.stopped_at, excluded.stopped_at)`,
    [phone, at, phone],
  )
}

/** The number has said START. @param at the sender's time; a START older than the number's STOP changes nothing */
export async function forgetStop(tx: EntityManager, phone: string, at: Date): Promise<void> {
  await tx.execute('delete from stopped_numbers where phone = ? and stopped_at <= ?', [phone, at])
}

/** Whether a number has said STOP, and not START since. @param phone E.164 */
export async function hasSaidStop(tx: EntityManager, phone: string): Promise<boolean> {
  const rows = await tx.execute<object[]>('select from stopped_numbers where phone = ?', [phone])
  return rows.length > 0
}
