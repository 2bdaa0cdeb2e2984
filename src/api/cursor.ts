import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { Serial } from './ids.ts'
import { malformed } from './problem.ts'

/** Page size where a request names none, and the largest. */
export const DEFAULT_LIMIT = 50
const MAX_LIMIT = 200

/** The query of every listing. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })),
  cursor: Type.Optional(
    Type.String({ maxLength: 500, description: 'next_cursor of the page before; the first page when absent' }),
  ),
}

/** The last field of every listing. */
export const nextCursor = Type.Union([Type.String(), Type.Null()], {
  description: 'Ask for the next page with it; null on the last one',
})

/** The last row of a page of what has a serial number and comes newest first. */
export const CreationPlace = Type.Object({
  createdMicros: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  id: Serial,
})

/**
 * A page of what was found: `limit` of it, and one more where there is a next page.
 *
 * @param placeOf where the last of a page stands, as the next page's `decodeCursor` reads it
 */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  placeOf: (last: T) => unknown,
): { page: T[]; next_cursor: string | null } {
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return { page, next_cursor: last !== undefined && found.length > limit ? encodeCursor(placeOf(last)) : null }
}

/** Where a page ends, as one opaque word. */
function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/**
 * @param schema what a position of this listing looks like
 * @returns the position, or null when there was no cursor
 * @throws {ProblemError} when the cursor is none of ours
 */
export function decodeCursor<S extends TSchema>(schema: S, cursor: string | undefined): Static<S> | null {
  if (cursor === undefined) return null
  const position = parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  if (Value.Check(schema, position)) return position
  throw malformed({ field: 'cursor', message: 'is not a cursor of this listing' })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
