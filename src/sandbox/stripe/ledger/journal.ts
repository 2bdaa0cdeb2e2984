import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** One recorded object: the newest line of a collection and id counts. */
export type JournalEntry = { collection: string; item: { id: string } }

/**
 * The state file: one JSON line per change, written before the answer goes out, so that an emulator killed at any moment
 * has forgotten nothing it answered for. Without a path nothing is kept.
 */
export class Journal {
  readonly #path: string | undefined
  #file: number | undefined

  constructor(path: string | undefined) {
    this.#path = path
  }

  /** What is in the file, oldest first. A last line cut short by a crash was never answered for and is left out. */
  read(): JournalEntry[] {
    if (this.#path === undefined) return []
    const lines = readIfThere(this.#path).split('\n')
    const complete = lines.slice(0, -1)
    return complete.map((line, index) => parseLine(line, index + 1))
  }

  /** Replaces the file by these entries in one step (write, sync, rename) and keeps appending to it from now on. */
  restart(entries: readonly JournalEntry[]): void {
    if (this.#path === undefined) return
    mkdirSync(dirname(this.#path), { recursive: true })
    const draft = `${this.#path}.new`
    writeFileSync(draft, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 })
    const written = openSync(draft, 'r')
    fsyncSync(written)
    closeSync(written)
    renameSync(draft, this.#path)
    this.#file = openSync(this.#path, 'a', 0o600)
  }

  append(entry: JournalEntry): void {
    if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(entry)}\n`)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

function parseLine(line: string, number: number): JournalEntry {
  const entry: unknown = JSON.parse(line)
  if (isEntry(entry)) return entry
  throw new Error(`line ${number} of the Stripe emulator's state file is not one of its entries`)
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null || !('collection' in value) || !('item' in value)) return false
  const { collection, item } = value
  return typeof collection === 'string' && typeof item === 'object' && item !== null && 'id' in item
}
