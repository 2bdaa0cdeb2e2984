import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { identify } from '../processes/identity.ts'
import { type StopStep, sendSignal, stopProcess } from '../processes/stopping.ts'
import { hasCode } from '../processes/system-error.ts'
import { waitUntil } from '../processes/wait.ts'
import { processesWorkingIn } from '../processes/working-in.ts'

/** Fast shutdown, then immediate shutdown, then the end (Postgres documentation, "Shutting Down the Server"). */
export const FAST_STOP: readonly StopStep[] = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]

/** Immediate shutdown: no checkpoint, so the next start recovers as after a crash. */
export const IMMEDIATE_STOP: readonly StopStep[] = FAST_STOP.slice(1)

const COMMAND = /postgres/

/** What postmaster.pid says: the pid of the server, undefined when it holds none, and whether it takes connections. */
export type PostmasterFile = { pid: number | undefined; ready: boolean }

/** Reads postmaster.pid (line 1: pid, line 8: status, as in Postgres' src/include/utils/pidfile.h). */
export function readPostmasterFile(dataDir: string): PostmasterFile | undefined {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: Number(lines[0]) || undefined, ready: lines[7]?.trim() === 'ready' }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Makes sure that no server has the data directory open any more, and that a postmaster.pid left by one cannot keep
 * the next from starting.
 */
export async function clearLeftoverServer(dataDir: string, log: (line: string) => void): Promise<void> {
  const left = readPostmasterFile(dataDir)
  if (left === undefined) return
  const server = left.pid === undefined ? undefined : identify(left.pid)
  if (server !== undefined && isServerOf(server.pid, dataDir)) {
    log(`stopping Postgres (process ${server.pid}), left over from a run that was killed`)
    await stopProcess(server, FAST_STOP)
  }
  // A server that was killed leaves its backends to notice by themselves; until the last is gone the data is in use.
  const backends = () => processesWorkingIn(dataDir, COMMAND)
  if (!(await waitUntil(() => backends().length === 0, 10_000))) {
    for (const pid of backends()) sendSignal(pid, { signal: 'SIGKILL' })
    await waitUntil(() => backends().length === 0, 5_000)
  }
  const now = readPostmasterFile(dataDir)
  if (now === undefined || now.pid !== left.pid) return
  // Postgres takes any process with the recorded pid for the server, but after a reboot it is likely somebody else's. A server
  // that was killed as it wrote the file leaves none in it, and the next would refuse to start.
  if (now.pid === undefined || identify(now.pid) !== undefined) rmSync(join(dataDir, 'postmaster.pid'), { force: true })
}

function isServerOf(pid: number, dataDir: string): boolean {
  if (process.platform === 'linux') return processesWorkingIn(dataDir, COMMAND).includes(pid)
  const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  return COMMAND.test(stdout) && stdout.includes(dataDir)
}
