import type { EntityManager } from '../postgres/orm.ts'

/** One part of a WHERE, with its values; parts that do not apply are null. */
export type Condition = readonly [sql: string, ...values: unknown[]] | null

/** A row's place in the order of creation: its time in microseconds since 1970, which is what Postgres keeps, and its id. */
export type Place<Id> = { createdMicros: number; id: Id }

/** @returns the WHERE of all conditions together, empty when there are none, and the values it takes */
export function whereAll(conditions: readonly Condition[]): { where: string; values: unknown[] } {
  const applying = conditions.filter((condition) => condition !== null)
  return {
    where: applying.length === 0 ? '' : `where ${applying.map(([sql]) => `(${sql})`).join(' and ')}`,
    values: applying.flatMap(([, ...values]) => values),
  }
}

/** `column = value`, or nothing when no value is asked for. */
export function equals(column: string, value: string | number | undefined): Condition {
  return value === undefined ? null : [`${column} = ?`, value]
}

/** Created in a period. @param from inclusive @param to exclusive */
export function createdIn(from: Date | undefined, to: Date | undefined): Condition[] {
  return [from === undefined ? null : ['created_at >= ?', from], to === undefined ? null : ['created_at < ?', to]]
}

/** What stands behind a place, in the order newest first. */
export function afterPlace(place: Place<string | number> | null): Condition {
  if (place === null) return null
  return ["(created_at, id) < (timestamptz 'epoch' + ? * interval '1 microsecond', ?)", place.createdMicros, place.id]
}

/** A time as a place has it. */
export function micros(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`
}

/**
 * The places of a page, newest first, from the row after `after`. Rows that arrive meanwhile stand before the first page
 * and shift nothing.
 */
export async function newestFirst<Id extends string | number>(
  em: EntityManager,
  table: 'leads' | 'lead_unlocks' | 'payments',
  conditions: readonly Condition[],
  after: Place<Id> | null,
  limit: number,
): Promise<Place<Id>[]> {
  const { where, values } = whereAll([...conditions, afterPlace(after)])
  const rows = await em.execute<{ id: Id; micros: string }[]>(
    `select id, ${micros('created_at')} as micros
     from ${table} ${where} order by created_at desc, id desc limit ?`,
    [...values, limit],
  )
  return rows.map(({ id, micros }) => ({ id, createdMicros: Number(micros) }))
}

/** The rows of a page in its order, each with its place. A row that is gone by now is left out. */
export function inPlace<T extends { id: Id }, Id extends string | number>(
  places: readonly Place<Id>[],
  found: readonly T[],
): { row: T; place: Place<Id> }[] {
  const byId = new Map(found.map((row) => [row.id, row]))
  return places.flatMap((place) => {
    const row = byId.get(place.id)
    return row === undefined ? [] : [{ row, place }]
  })
}
