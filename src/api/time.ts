import { Type } from 'typebox'
import { malformed } from './problem.ts'

/** What Postgres and a calendar both take without argument. */
const EARLIEST = Date.parse('1970-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

const DAY_MS = 86_400_000

/** A bound of a query: a moment, or a day, which is the whole of it in UTC. */
export const TimeBound = Type.Union([Type.String({ format: 'date-time' }), Type.String({ format: 'date' })])

/**
 * Reads an inclusive bound; a day counts from its beginning.
 *
 * @param field its name, for the problem
 * @throws {ProblemError} when it is no time between 1970 and 9999
 */
export function parseFrom(text: string | undefined, field: string): Date | undefined {
  return text === undefined ? undefined : inRange(Date.parse(text), field)
}

/** The same for an exclusive bound; a day counts to its end. */
export function parseTo(text: string | undefined, field: string): Date | undefined {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  const isDay = !text.includes(':')
  return inRange(isDay ? Math.min(at + DAY_MS, LATEST) : at, field)
}

function inRange(at: number, field: string): Date {
  if (at >= EARLIEST && at <= LATEST) return new Date(at)
  throw malformed({ field, message: 'must be a time between 1970 and 9999' })
}
