import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from './identity.ts'
import { stopLeftovers } from './leftovers.ts'
import { lockPath, readHolder } from './lock.ts'
import { hasCode } from './system-error.ts'

/** A directory this young without a lock may just be coming into being. */
const SETTLED_AFTER_MS = 60_000

/**
 * Removes the temporary state directories in `parent` whose run has ended without doing so, and stops what those runs
 * left behind.
 * @param prefix how their names begin
 */
export async function removeStaleDirectories(
  parent: string,
  prefix: string,
  log: (line: string) => void,
): Promise<void> {
  for (const name of entries(parent).filter((entry) => entry.startsWith(prefix))) {
    const dir = join(parent, name)
    const holder = readHolder(lockPath(dir))
    const age = Date.now() - (statSync(dir, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    const inUse = holder === undefined ? age < SETTLED_AFTER_MS : isRunning(holder.process)
    if (inUse) continue
    await stopLeftovers(dir, log)
    rmSync(dir, { recursive: true, force: true })
  }
}

function entries(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
