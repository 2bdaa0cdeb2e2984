import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { type Actor, recordAudit } from './audit.ts'
import { type EntityManager, inTransaction } from './orm.ts'
import type { ProviderDetails } from './providers.ts'

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

/** A number that cannot pass to the provider on this line. `stopped`: its present owner has texted STOP from it. */
export type NumberConflict = { line: number; reason: 'taken' | 'stopped' }

/** Numbers of the file belong to others; nothing was imported. */
export class NumbersTakenError extends Error {
  override readonly name = 'NumbersTakenError'
  readonly code = 'numbers_taken'
  readonly conflicts: readonly NumberConflict[]

  constructor(conflicts: readonly NumberConflict[]) {
    super('phone numbers belong to other providers')
    this.conflicts = conflicts
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

/** Imports are done one after the other: two that pass numbers around would wait for each other. */
const IMPORT_LOCK = 4_155_001

/** How often a number may be snatched away between the look and the writing. */
const MAX_TRIES = 3

/**
 * Stores every provider of a file, or none. Numbers may change hands among the providers of the file. A STOP stays in force
 * with the provider who sent it, whatever number the file gives them.
 *
 * @throws {NumbersTakenError}
 */
export async function importProviders(em: EntityManager, file: Import): Promise<ImportCounts> {
  const ids = new Set(file.rows.map(({ id }) => id))
  for (let tries = 1; ; tries += 1) {
    try {
      return await inTransaction(em, (tx) => write(tx, file, ids))
    } catch (error) {
      if (error instanceof Undone) return error.counts
      // Somebody outside the file got a number of it a moment ago; the next look tells its line.
      if (!(error instanceof UniqueConstraintViolationException) || tries === MAX_TRIES) throw error
    }
  }
}

/**
 * The numbers of a file that cannot pass to its providers.
 *
 * @param ids of every provider in the file: numbers may change hands among them, except one whose owner has said STOP. It
 *   would reach whoever said so under another name
 */
export async function findNumberConflicts(
  em: EntityManager,
  rows: readonly ImportedProvider[],
  ids: ReadonlySet<string>,
): Promise<NumberConflict[]> {
  const found = await em.execute<{ line: number; owner: string; stopped: boolean }[]>(
    `select given.line, owner.id as owner, owner.opted_out_at is not null as stopped
     from ${GIVEN} join providers owner on owner.phone = given.phone and owner.id <> given.id order by given.line`,
    [asJson(rows)],
  )
  return found.flatMap(({ line, owner, stopped }): NumberConflict[] => {
    if (!ids.has(owner)) return [{ line, reason: 'taken' }]
    return stopped ? [{ line, reason: 'stopped' }] : []
  })
}

async function write(
  tx: EntityManager,
  { rows, columns, dryRun, by }: Import,
  ids: ReadonlySet<string>,
): Promise<ImportCounts> {
  const json = asJson(rows)
  await tx.execute('select pg_advisory_xact_lock(?)', [IMPORT_LOCK])
  // Locked in one order before any number is written, so that nobody waits for us who holds what we wait for.
  await tx.execute(`select 1 from providers where id in (select id from ${GIVEN}) order by id for no key update`, [
    json,
  ])
  const conflicts = await findNumberConflicts(tx, rows, ids)
  if (conflicts.length > 0) throw new NumbersTakenError(conflicts)
  const { created, updated } = await upsert(tx, json, columns)
  const counts = { created, updated, unchanged: rows.length - created - updated }
  if (dryRun) throw new Undone(counts)
  const target = `providers: ${created} created, ${updated} updated`
  await recordAudit(tx, { ...by, action: 'provider.import', target })
  return counts
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
