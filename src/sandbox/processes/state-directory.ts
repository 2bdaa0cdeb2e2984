import { mkdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { foreignFile } from './foreign-files.ts'
import { startGuard } from './guard.ts'
import { isRunning } from './identity.ts'
import { stopLeftovers } from './leftovers.ts'
import { acquireLock, LockedError, type LockHolder, lockPath } from './lock.ts'
import { endOnSignal } from './signals.ts'
import { stopProcess, terminateThenKill } from './stopping.ts'

export type StateDirectory = {
  /** Absolute path. */
  readonly dir: string
  /** Lets the directory go; to be called when everything started in it has been stopped. Removes it if it is temporary. */
  close(): void
}

export type StateDirectoryOptions = {
  /** The directory, e.g. `.local`; made when missing. */
  dir: string
  /** Whether it is removed at the end: by `close`, or by the guard when this process is killed. */
  temporary?: boolean
  log: (line: string) => void
}

/** Thrown when the sandbox is already running in this clone. Its message is for a person. */
export class AlreadyRunningError extends Error {
  override name = 'AlreadyRunningError'
}

/** How long a run whose npm is gone may take to stop in order. */
const ORPHANED_RUN_STOP_MS = 30_000

/**
 * Takes a state directory for this process: refuses when another live run has it, stops what a killed run left
 * behind, and starts a guard that does the same should this process be killed, or ended by a signal before
 * `superviseUntilSignal` handles those.
 * @throws AlreadyRunningError
 */
export async function openStateDirectory(options: StateDirectoryOptions): Promise<StateDirectory> {
  const { temporary = false, log } = options
  const dir = resolve(options.dir)
  mkdirSync(dir, { recursive: true })
  const foreign = foreignFile(dir)
  if (foreign !== undefined) {
    throw new Error(`${foreign} belongs to another account. Start as that account, or remove ${dir} to begin anew.`)
  }
  const release = await lockDirectory(lockPath(dir), log)
  try {
    await stopLeftovers(dir, log)
    const dismissGuard = startGuard(dir, temporary)
    const leaveSignals = endOnSignal()
    return {
      dir,
      close() {
        leaveSignals()
        dismissGuard()
        release()
        if (temporary) rmSync(dir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    release()
    throw error
  }
}

async function lockDirectory(path: string, log: (line: string) => void): Promise<() => void> {
  try {
    return acquireLock(path)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    if (!isOrphaned(error.holder)) throw new AlreadyRunningError(alreadyRunning(error.holder.process.pid))
    log(`stopping process ${error.holder.process.pid}, left over from a run that was killed`)
    await stopProcess(error.holder.process, terminateThenKill(ORPHANED_RUN_STOP_MS))
    return acquireLock(path)
  }
}

/** Killing npm leaves the process it started alive; nobody is waiting for that one any more. */
function isOrphaned(holder: LockHolder): boolean {
  return holder.npm !== undefined && !isRunning(holder.npm)
}

function alreadyRunning(pid: number): string {
  return [
    `Lead Unlock is already running in this directory (process ${pid}).`,
    `Stop it first: Ctrl-C in its terminal, or: kill ${pid}`,
  ].join('\n')
}
