import type { Due } from '../../domain/due.ts'
import { type Actor, recordAudit } from '../access/audit.ts'
import { wakeWaitingTeasers } from '../ledger/messages.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'
import type { ProviderDetails } from './providers.ts'
import { lockNumbersToGive } from './stopped-numbers.ts'
import { unsubscribeStoppedNumbers } from './subscriptions.ts'

/** A provider as a line of a file has them. */
export type ImportedProvider = ProviderDetails & { id: string; line: number }

export type Import = {
  /** Each id and each phone number once. */
  rows: readonly ImportedProvider[]
  /** Whether the file says anything about these; where it does not, they stay as they are. */
  columns: { email: boolean; timeZone: boolean }
  /** Find out what would be done, and do nothing. */
  dryRun: boolean
  by: Actor
}

export type ImportCounts = { created: number; updated: number; unchanged: number }

export type Imported = { counts: ImportCounts; due: Due[] }

/** Numbers of the file belong to providers who are not in it; nothing was imported. */
export class NumbersTakenError extends Error {
  override readonly name = 'NumbersTakenError'
  readonly code = 'numbers_taken'
  readonly lines: readonly number[]

  constructor(lines: readonly number[]) {
    super('phone numbers belong to other providers')
    this.lines = lines
  }
}

/** Takes a dry run out of its transaction, which undoes it. */
class Undone extends Error {
  override readonly name = 'Undone'
  readonly counts: ImportCounts

  constructor(counts: ImportCounts) {
    super('a dry run')
    this.counts = counts
  }
}

/**
 * Stores every provider of a file, or none. Numbers may change hands among the providers of the file. A STOP stays in force,
 * with the provider and with the number that said it.
 *
 * @returns also what is due after the commit
 * @throws {NumbersTakenError}
 */
export async function importProviders(em: EntityManager, file: Import): Promise<Imported> {
  const ids = new Set(file.rows.map(({ id }) => id))
  try {
    return await inTransaction(em, (tx) => write(tx, file, ids))
  } catch (error) {
    if (error instanceof Undone) return { counts: error.counts, due: [] }
    throw error
  }
}

/**
 * The lines of a file whose number belongs to a provider who is not in it.
 *
 * @param ids of every provider in the file: numbers may change hands among them
 */
export async function findTakenNumbers(
  em: EntityManager,
  rows: readonly ImportedProvider[],
  ids: ReadonlySet<string>,
): Promise<number[]> {
  const found = await em.execute<{ line: number; owner: string }[]>(
    `select given.line, owner.id as owner
     from ${GIVEN} join providers owner on owner.phone = given.phone and owner.id <> given.id order by given.line`,
    [asJson(rows)],
  )
  return found.filter(({ owner }) => !ids.has(owner)).map(({ line }) => line)
}

async function write(
  tx: EntityManager,
  { rows, columns, dryRun, by }: Import,
  ids: ReadonlySet<string>,
): Promise<Imported> {
  const json = asJson(rows)
  await lockNumbersToGive(tx)
  // Locked in one order before any number is written, so that nobody waits for us who holds what we wait for.
  await tx.execute(`select 1 from providers where id in (select id from ${GIVEN}) order by id for no key update`, [
    json,
  ])
  const taken = await findTakenNumbers(tx, rows, ids)
  if (taken.length > 0) throw new NumbersTakenError(taken)
  const given = await tx.execute<{ id: string; has_new_phone: boolean; has_new_zone: boolean }[]>(
    `select given.id, p.phone is distinct from given.phone as has_new_phone,
       ? and p.id is not null and p.time_zone is distinct from given.time_zone as has_new_zone
     from ${GIVEN} left join providers p on p.id = given.id`,
    [columns.timeZone, json],
  )
  const { created, updated } = await upsert(tx, json, columns)
  const counts = { created, updated, unchanged: rows.length - created - updated }
  if (dryRun) throw new Undone(counts)
  const target = `providers: ${created} created, ${updated} updated`
  await recordAudit(tx, { ...by, action: 'provider.import', target })
  const idsOf = (rows: typeof given) => rows.map(({ id }) => id)
  const stopped = await unsubscribeStoppedNumbers(tx, idsOf(given.filter(({ has_new_phone }) => has_new_phone)))
  const moved = await wakeWaitingTeasers(tx, idsOf(given.filter(({ has_new_zone }) => has_new_zone)))
  return { counts, due: [...stopped, ...moved] }
}

/** One statement, because numbers that change hands are unique again only at its end. */
async function upsert(
  tx: EntityManager,
  json: string,
  columns: Import['columns'],
): Promise<Pick<ImportCounts, 'created' | 'updated'>> {
  const [counts] = await tx.execute<{ created: number; updated: number }[]>(
    `with written as (
       insert into providers as known (id, name, phone, email, time_zone)
       select id, name, phone, email, time_zone from ${GIVEN} order by id
       on conflict (id) do update set name = excluded.name, phone = excluded.phone,
         email = case when ? then excluded.email else known.email end,
         time_zone = case when ? then excluded.time_zone else known.time_zone end, updated_at = app_now()
       where (known.name, known.phone) is distinct from (excluded.name, excluded.phone)
         or ? and known.email is distinct from excluded.email
         or ? and known.time_zone is distinct from excluded.time_zone
       returning (xmax = 0) as created)
     select count(*) filter (where created)::int as created, count(*) filter (where not created)::int as updated
     from written`,
    [json, columns.email, columns.timeZone, columns.email, columns.timeZone],
  )
  return counts ?? { created: 0, updated: 0 }
}

const GIVEN =
  'json_to_recordset(?::json) as given(line integer, id text, name text, phone text, email text, time_zone text)'

function asJson(rows: readonly ImportedProvider[]): string {
  return JSON.stringify(rows.map(({ timeZone, ...row }) => ({ ...row, time_zone: timeZone })))
}
