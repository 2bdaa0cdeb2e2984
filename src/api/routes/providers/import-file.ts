import { Readable, type TransformOptions } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { type Options, type Parser, parse } from 'csv-parse'
import type { ImportedProvider } from '../../../db/providers/import.ts'
import { readProviderId, readUncheckedDetails } from './details.ts'
import { FileErrors } from './file-errors.ts'
import { inPieces, type Progress } from './import-pieces.ts'

const REQUIRED_COLUMNS = ['id', 'name', 'phone'] as const
const OPTIONAL_COLUMNS = ['email', 'time_zone'] as const
export const COLUMNS = [...REQUIRED_COLUMNS, ...OPTIONAL_COLUMNS]
type Column = (typeof COLUMNS)[number]

/** Rows of one file: a transaction that changes them all stays short. */
export const MAX_ROWS = 10_000
/** As many as rows: each costs as much, and a file of 8 MiB could hold eight million. */
const MAX_BLANK_LINES = MAX_ROWS
/** A quote that is never closed would take in the whole rest of the file. */
const MAX_RECORD_CHARACTERS = 16_384
const FIRST_LINE = 1
/** Rows read before other requests get their turn. */
const ROWS_AT_A_TIME = 50

export type ProviderFile = {
  /** The rows without fault. */
  rows: ImportedProvider[]
  /** Every provider the file is about, also where their row has a fault. */
  ids: ReadonlySet<string>
  columns: ReadonlySet<Column>
  errors: FileErrors
}

/**
 * Reads a CSV file of providers as it comes: UTF-8, with or without a byte order mark, lines ending any way, a header with
 * the columns in any order. Blank lines and lines of empty cells are passed over.
 */
export async function readProviderFile(chunks: AsyncIterable<Buffer>): Promise<ProviderFile> {
  const errors = new FileErrors()
  const reader = new RowReader(errors)
  const progress: Progress = { line: FIRST_LINE, records: 0, broken: false, givenUpAt: null }
  let seenEnough = false
  const reading = pipeline(
    Readable.from(inPieces(chunks, progress), { highWaterMark: 1 }),
    csvParser(errors, progress),
    async (records: AsyncIterable<string[]>) => {
      let line = FIRST_LINE
      let taken = 0
      for await (const cells of records) {
        if (!reader.take(line, cells)) {
          seenEnough = true
          return
        }
        line += linesOf(cells)
        taken += 1
        if (taken % ROWS_AT_A_TIME === 0) await setImmediate()
      }
    },
  )
  await reading.catch((error: unknown) => {
    // Stopping before the end aborts what would have come, and that is an error where the parser was not done yet.
    if (!seenEnough) throw error
  })
  if (progress.givenUpAt !== null) {
    errors.add(progress.givenUpAt, { field: 'row', message: 'is far too long; from here on the file was not read' })
  }
  if (!reader.hasHeader && errors.count === 0) errors.add(1, { field: 'row', message: 'the file is empty' })
  return { rows: reader.rows, ids: reader.ids, columns: new Set(reader.header), errors }
}

/**
 * Splits the file into records. After a wrong quote nobody can tell where the next one begins: nothing after it is read, and
 * the error says so.
 */
function csvParser(errors: FileErrors, progress: Progress): Parser {
  const options: Options & TransformOptions = {
    // What waits to be parsed is parsed also when the rest is not wanted any more.
    writableHighWaterMark: 1,
    bom: true,
    trim: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    skip_records_with_error: true,
    on_record(cells) {
      progress.records += 1
      if (progress.broken) return null
      progress.line += linesOf(cells)
      return cells
    },
    on_skip() {
      const message = 'has a quote that is not closed, or stands inside a value; from here on the file was not read'
      if (!progress.broken) errors.add(progress.line, { field: 'row', message })
      progress.broken = true
      return undefined
    },
  }
  return parse(options)
}

/** The parser's own count is wrong after a line break inside a value. */
function linesOf(cells: readonly string[]): number {
  return 1 + cells.reduce((breaks, cell) => breaks + (cell.match(/\r\n|\n|\r/g)?.length ?? 0), 0)
}

/** Makes providers of records, the first of which is the header. */
class RowReader {
  readonly rows: ImportedProvider[] = []
  header: Column[] = []
  readonly #errors: FileErrors
  readonly #lineOfId = new Map<string, number>()
  readonly #lineOfPhone = new Map<string, number>()
  #taken = 0
  #blank = 0

  constructor(errors: FileErrors) {
    this.#errors = errors
  }

  get hasHeader(): boolean {
    return this.header.length > 0
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.#lineOfId.keys())
  }

  /** @returns false when the rest of the file need not be read */
  take(line: number, values: readonly string[]): boolean {
    const cells = values.map((value) => value.trim())
    if (cells.every((cell) => cell === '')) return this.#takeBlank(line)
    if (!this.hasHeader) return this.#takeHeader(line, cells)
    this.#taken += 1
    if (this.#taken > MAX_ROWS) {
      this.#errors.add(line, { field: 'row', message: `is one too many: a file holds at most ${MAX_ROWS} providers` })
      return false
    }
    this.#takeRow(line, cells)
    return true
  }

  #takeBlank(line: number): boolean {
    this.#blank += 1
    if (this.#blank <= MAX_BLANK_LINES) return true
    this.#errors.add(line, {
      field: 'row',
      message: `is one too many: a file holds at most ${MAX_BLANK_LINES} blank lines`,
    })
    return false
  }

  #takeHeader(line: number, cells: readonly string[]): boolean {
    const names = cells.map((cell) => cell.toLowerCase())
    const known = names.filter(isColumn)
    const before = this.#errors.count
    for (const name of new Set(names.filter((name) => !isColumn(name)))) {
      const message = `is not a column of this file: ${COLUMNS.join(',')} are, separated by commas`
      this.#errors.add(line, { field: name.slice(0, 100) || 'row', message })
    }
    for (const column of COLUMNS) {
      const times = known.filter((name) => name === column).length
      if (times > 1) this.#errors.add(line, { field: column, message: 'is there more than once' })
    }
    for (const column of REQUIRED_COLUMNS) {
      if (!known.includes(column)) this.#errors.add(line, { field: column, message: 'is a required column' })
    }
    if (this.#errors.count > before) return false
    this.header = known
    return true
  }

  #takeRow(line: number, cells: readonly string[]): void {
    if (cells.length !== this.header.length) {
      const message = `has ${cells.length} values where the header has ${this.header.length}`
      this.#errors.add(line, { field: 'row', message })
      return
    }
    // An empty cell is a value that is not there.
    const filled = this.header.flatMap((column, index) => (cells[index] ? [[column, cells[index]] as const] : []))
    for (const [field, value] of filled) {
      // The parser reads UTF-16 as well, where a byte order mark says so; it lets half a character through.
      if (value.includes('\ufffd') || !value.isWellFormed()) this.#errors.add(line, { field, message: 'is not UTF-8' })
    }
    const { id: writtenId = '', ...written } = Object.fromEntries(filled)
    const id = readProviderId(writtenId)
    const details = readUncheckedDetails(written)
    this.#errors.add(line, ...id.errors, ...details.errors)
    if (id.value !== null) this.#once(this.#lineOfId, id.value, line, 'id')
    if (details.value !== null) this.#once(this.#lineOfPhone, details.value.phone, line, 'phone')
    if (id.value !== null && details.value !== null) this.rows.push({ line, id: id.value, ...details.value })
  }

  #once(seen: Map<string, number>, value: string, line: number, field: Column): void {
    const earlier = seen.get(value)
    if (earlier === undefined) seen.set(value, line)
    else this.#errors.add(line, { field, message: `is also on line ${earlier}` })
  }
}

function isColumn(name: string): name is Column {
  return (COLUMNS as readonly string[]).includes(name)
}
