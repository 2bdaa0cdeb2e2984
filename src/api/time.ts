import { ProblemError } from './problem.ts'

/** What Postgres and a calendar both take without argument. */
const EARLIEST = Date.parse('1970-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Reads a time of a query.
 *
 * @param field its name, for the problem
 * @throws {ProblemError} when it is no time between 1970 and 9999
 */
export function parseTime(text: string | undefined, field: string): Date | undefined {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  if (at >= EARLIEST && at <= LATEST) return new Date(at)
  throw new ProblemError('invalid-request', undefined, [{ field, message: 'must be a time between 1970 and 9999' }])
}
