import { Readable } from 'node:stream'
import { stringify } from 'csv-stringify/sync'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'

/** A column: its name, and its value in a row. */
export type Column<Row> = readonly [name: string, value: (row: Row) => string | number | null]

/** How long a file may take to be read, milliseconds: an hour. */
export const EXPORT_TIMEOUT_MS = 3_600_000

/** Declares a CSV file, for a route's `response` schema. */
export const CsvResponse = {
  description:
    'CSV (RFC 4180) with a header, UTF-8. A text that a spreadsheet would calculate begins with an apostrophe',
  content: { 'text/csv': { schema: Type.String() } },
}

/**
 * Answers with a CSV file, made as fast as its reader takes it. When something fails on the way the connection is cut, so that
 * a part is not taken for the whole; before the first row it is an answer like any other.
 *
 * @param name of the file, with its ending
 * @param batches the rows; ended, wherever they are, when the reader goes away
 */
export async function sendCsv<Row>(
  reply: FastifyReply,
  name: string,
  columns: readonly Column<Row>[],
  batches: AsyncGenerator<Row[]>,
): Promise<FastifyReply> {
  const first = reply.request.method === 'HEAD' ? null : await batches.next()
  reply.type('text/csv; charset=utf-8; header=present').header('content-disposition', `attachment; filename="${name}"`)
  if (first === null) return reply.send()
  return reply.send(Readable.from(linesOf(columns, first, batches), { objectMode: false }))
}

async function* linesOf<Row>(
  columns: readonly Column<Row>[],
  first: IteratorResult<Row[]>,
  batches: AsyncGenerator<Row[]>,
): AsyncGenerator<string> {
  yield toCsv([columns.map(([name]) => name)])
  if (first.done) return
  yield toCsv(first.value.map((row) => columns.map(([, value]) => value(row))))
  for await (const rows of batches) yield toCsv(rows.map((row) => columns.map(([, value]) => value(row))))
}

/** With CR and LF at the line ends, as the RFC has it, and formulas defused (OWASP, "CSV Injection"). */
function toCsv(rows: readonly (readonly (string | number | null)[])[]): string {
  return stringify([...rows], { record_delimiter: 'windows', escape_formulas: true })
}
