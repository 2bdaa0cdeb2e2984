import { type Static, type TSchema, Type } from 'typebox'
import { readValue } from '../answers.ts'
import { UnclearError } from '../errors.ts'

/** More objects than any question here should have to go through. */
const MAX_PAGES = 100
const PAGE_SIZE = 100

export type Cursor = { limit: number; starting_after?: string }

/**
 * Goes through one of Stripe's lists, newest first (https://docs.stripe.com/api/pagination).
 *
 * @param fetch asks for the page at a cursor
 * @throws UnclearError `not_looked_far_enough` rather than ending before the list does
 */
export async function* items<T extends TSchema>(
  operation: string,
  schema: T,
  fetch: (cursor: Cursor) => Promise<unknown>,
): AsyncGenerator<Static<T>, void> {
  const pageSchema = Type.Object({ data: Type.Array(identified), has_more: Type.Boolean() })
  let cursor: Cursor = { limit: PAGE_SIZE }
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { data, has_more } = readValue(operation, pageSchema, await fetch(cursor))
    for (const item of data) yield readValue(operation, schema, item)
    const last = data.at(-1)
    if (!has_more || last === undefined) return
    cursor = { limit: PAGE_SIZE, starting_after: last.id }
  }
  throw new UnclearError('not_looked_far_enough', { operation })
}

/** Everything a generator yields. */
export async function collect<T>(generator: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of generator) all.push(item)
  return all
}

const identified = Type.Object({ id: Type.String({ minLength: 1 }) })
