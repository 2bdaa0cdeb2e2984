import type { EntityManager } from '../postgres/orm.ts'
import { SEALED_TABLES, type SealedRow, type SealedTable } from './sealed-values.ts'
import { type Sealer, UnsealError } from './sealing.ts'

/** Rows that one statement looks at. */
const WINDOW = 1_000
/** Processes that do not know the newest key yet write with an older one meanwhile; so often what they wrote is looked for. */
const MAX_PASSES = 5

/** A value that none of the keys opens, by where it stands. */
export type Unopened = { table: string; id: string; column: string }

export type Progress = { table: string; resealed: number }

/** How many values each key has sealed, by key id and by what they are. */
export type KeyUse = Map<string, Map<string, number>>

/** What fingerprints are called in `KeyUse`: they cannot be made anew, and end with their idempotency keys. */
export const FINGERPRINTS = 'idempotency_keys'

/**
 * Seals anew, with the newest key, everything that an older one has sealed, while the system runs. Each row is one
 * statement, which changes only what is still as it was read: an erasure in between stands. What is done already is passed
 * over, so a run that was killed is taken up by the next.
 *
 * @param newest id of the key that `sealer` writes with
 * @param onProgress told after each window in which something was sealed anew; counts only
 * @returns what could not be opened and was left as it is
 */
export async function reseal(
  em: EntityManager,
  sealer: Sealer,
  newest: string,
  onProgress: (progress: Progress) => void,
): Promise<Unopened[]> {
  let unopened: Unopened[] = []
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    unopened = []
    let touched = 0
    for (const table of SEALED_TABLES) {
      for await (const range of windows(em, table)) {
        const rows = await rowsOfOlderKeys(em, table, range, newest)
        let resealed = 0
        for (const row of rows) {
          const { fresh, failed } = sealAnew(sealer, table, row, newest)
          unopened.push(...failed)
          if (fresh.size === 0) continue
          touched += 1
          if (await replace(em, table, row, fresh)) resealed += fresh.size
        }
        if (resealed > 0) onProgress({ table: table.name, resealed })
      }
    }
    if (touched === 0) break
  }
  return unopened
}

/** Counts what each key has sealed, in bounded statements. */
export async function keyUse(em: EntityManager): Promise<KeyUse> {
  const use: KeyUse = new Map()
  const add = (what: string, rows: readonly { key_id: string; count: string }[]) => {
    for (const { key_id, count } of rows) {
      const counts = use.get(key_id) ?? new Map<string, number>()
      use.set(key_id, counts.set(what, (counts.get(what) ?? 0) + Number(count)))
    }
  }
  for (const table of SEALED_TABLES) {
    const values = table.columns.map((column) => `(${column})`).join(', ')
    for await (const { after, upTo } of windows(em, table)) {
      const sql = `select ${keyIdOf('value')} as key_id, count(*)
         from ${table.name} cross join lateral (values ${values}) as sealed (value)
         where ${inRange(table)} and value is not null group by 1`
      add(table.name, await em.fork().execute(sql, [after, after, upTo]))
    }
  }
  const fingerprints = `select split_part(fingerprint, '.', 1) as key_id, count(*) from idempotency_keys group by 1`
  add(FINGERPRINTS, await em.fork().execute(fingerprints))
  return use
}

type Range = { after: string | null; upTo: string }

/** The table in pieces by its primary key, so that no statement takes long, whatever there is to do. */
async function* windows(em: EntityManager, table: SealedTable): AsyncGenerator<Range> {
  for (let after: string | null = null; ; ) {
    const [row]: { up_to: string | null }[] = await em.fork().execute(
      `select max(id)::text as up_to from (
         select id from ${table.name} where ?::text is null or id > ?::${table.idType} order by id limit ?) as piece`,
      [after, after, WINDOW],
    )
    if (row?.up_to == null) return
    yield { after, upTo: row.up_to }
    after = row.up_to
  }
}

function inRange({ idType }: SealedTable): string {
  return `(?::text is null or id > ?::${idType}) and id <= ?::${idType}`
}

function keyIdOf(column: string): string {
  return `split_part(${column}, '.', 2)`
}

function rowsOfOlderKeys(em: EntityManager, table: SealedTable, range: Range, newest: string): Promise<SealedRow[]> {
  const older = table.columns.map((column) => `${keyIdOf(column)} <> ?`).join(' or ')
  return em.fork().execute<SealedRow[]>(
    `select id::text as id, ${[...table.needs, ...table.columns].join(', ')} from ${table.name}
     where ${inRange(table)} and (${older}) order by id`,
    [range.after, range.after, range.upTo, ...table.columns.map(() => newest)],
  )
}

/** The row's values of older keys as the newest seals them, by column. */
function sealAnew(
  sealer: Sealer,
  table: SealedTable,
  row: SealedRow,
  newest: string,
): { fresh: Map<string, string>; failed: Unopened[] } {
  const fresh = new Map<string, string>()
  const failed: Unopened[] = []
  for (const column of table.columns) {
    const sealed = row[column]
    if (sealed == null || sealed.split('.')[1] === newest) continue
    const place = table.place(column, row)
    try {
      fresh.set(column, sealer.seal(sealer.openBytes(sealed, place), place))
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error
      failed.push({ table: table.name, id: row.id, column })
    }
  }
  return { fresh, failed }
}

/** Writes the fresh values if the row still has those they were made of. */
async function replace(
  em: EntityManager,
  table: SealedTable,
  row: SealedRow,
  fresh: ReadonlyMap<string, string>,
): Promise<boolean> {
  const columns = [...fresh.keys()]
  const changed = await em.fork().execute<object[]>(
    `update ${table.name} set ${columns.map((column) => `${column} = ?`).join(', ')}
     where id = ?::${table.idType} and ${columns.map((column) => `${column} = ?`).join(' and ')} returning 1`,
    [...fresh.values(), row.id, ...columns.map((column) => row[column])],
  )
  return changed.length > 0
}
