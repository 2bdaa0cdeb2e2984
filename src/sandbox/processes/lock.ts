import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { isRunning, isSame, ownIdentity, ProcessIdentity } from './identity.ts'
import { parentNpm } from './npm-parent.ts'
import { hasCode } from './system-error.ts'

/** Who holds a lock. */
export const LockHolder = Type.Object({
  process: ProcessIdentity,
  /** The npm that started it, if one did. When that is gone, nobody is left who could press Ctrl-C. */
  npm: Type.Optional(ProcessIdentity),
})
export type LockHolder = Type.Static<typeof LockHolder>

/** The lock file of a state directory. */
export function lockPath(stateDir: string): string {
  return join(stateDir, 'run', 'lock')
}

/** Thrown when another live process holds the lock. */
export class LockedError extends Error {
  override name = 'LockedError'
  readonly holder: LockHolder

  constructor(path: string, holder: LockHolder) {
    super(`${path} is held by process ${holder.process.pid}.`)
    this.holder = holder
  }
}

/**
 * Takes the lock file at `path`, which names its holder; one left by a process that has ended is taken over.
 * @returns lets the lock go
 * @throws LockedError when a live process holds it, this one included
 */
export function acquireLock(path: string): () => void {
  const own = ownIdentity()
  const holder: LockHolder = { process: own, npm: parentNpm() }
  const draft = `${path}.${own.pid}.new`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(draft, JSON.stringify(holder))
  try {
    // A link appears with its content complete, so nobody ever reads a half written lock.
    while (!tryLink(draft, path)) {
      const current = readHolder(path)
      if (current !== undefined && isRunning(current.process)) throw new LockedError(path, current)
      removeStale(path, own.pid)
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return () => {
    const current = readHolder(path)
    if (current !== undefined && isSame(current.process, own)) rmSync(path, { force: true })
  }
}

/** Who holds the lock at `path`; undefined when it is free or cannot be understood. */
export function readHolder(path: string): LockHolder | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Value.Check(LockHolder, parsed) ? parsed : undefined
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Two processes may find the same stale lock: what was moved away is put back when the other has just taken it. */
function removeStale(path: string, pid: number): void {
  const aside = `${path}.${pid}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  const moved = readHolder(aside)
  if (moved !== undefined && isRunning(moved.process)) tryLink(aside, path)
  rmSync(aside, { force: true })
}
