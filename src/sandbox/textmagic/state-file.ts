import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Value } from 'typebox/value'
import type { AccountState } from './account.ts'
import { stateFileSchema } from './state-schema.ts'

/** The account kept at `path`, or undefined when there is none yet. Throws when the file is not one of ours. */
export async function readStateFile(path: string): Promise<AccountState | undefined> {
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (content === undefined) return undefined
  const state: unknown = JSON.parse(content)
  if (!Value.Check(stateFileSchema, state)) throw new Error(`${path} is not a TextMagic emulator state file`)
  return state.account
}

/** Writes snapshots of an account, one at a time; changes made while one is written share the next. */
export class StateFile {
  readonly #path: string
  readonly #snapshot: () => AccountState
  #writing: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(path: string, snapshot: () => AccountState) {
    this.#path = path
    this.#snapshot = snapshot
  }

  /** Resolves once everything up to this call is in the file. */
  save(): Promise<void> {
    this.#next ??= (this.#writing ?? Promise.resolve())
      .catch(() => undefined) // told to whoever asked for that write; this one is a new attempt
      .then(() => {
        this.#writing = this.#next
        this.#next = undefined
        return this.#write()
      })
    return this.#next
  }

  async #write(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    const draft = `${this.#path}.draft`
    const file = await open(draft, 'w')
    try {
      await file.writeFile(JSON.stringify({ version: 1, account: this.#snapshot() }))
      await file.sync()
    } finally {
      await file.close()
    }
    // Renaming is atomic: a process killed here leaves either the old file or the new one, never half of one.
    await rename(draft, this.#path)
  }
}
