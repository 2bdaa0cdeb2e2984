import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Type } from 'typebox'
import { hasCode } from './system-error.ts'

/**
 * One process, told apart from a later process that was given the same pid: killing by pid alone can hit a stranger
 * once the number has been reused, which after a reboot or in a restarted container is likely.
 */
export const ProcessIdentity = Type.Object({ pid: Type.Integer({ minimum: 1 }), startedAt: Type.String() })
export type ProcessIdentity = Type.Static<typeof ProcessIdentity>

/** The identity of the running process `pid`, or undefined when there is none (a zombie counts as none). */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** The identity of this very process. */
export function ownIdentity(): ProcessIdentity {
  const own = identify(process.pid)
  if (own === undefined) throw new Error(`Process ${process.pid} cannot find itself in the process table.`)
  return own
}

/** Whether the process that was identified is still running. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt
}

/** Whether both are the same process. */
export function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startedAt === other.startedAt
}

/** proc_pid_stat(5): field 3 is the state, field 22 the start in clock ticks since boot, hence the boot id with it. */
function startOnLinux(pid: number): string | undefined {
  const stat = readIfPresent(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The name in field 2 may hold spaces and brackets, so fields are counted from its closing bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  if (state === 'Z' || state === 'X') return undefined
  return `${readIfPresent('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${fields[19]}`
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // ESRCH: the process ended between open and read.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined
    throw error
  }
}

/** macOS and the BSDs have no /proc. `ps` leaves with 1 when there is no such process. */
function startByPs(pid: number): string | undefined {
  try {
    const output = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [state = '', ...started] = output.trim().split(/\s+/)
    return state.startsWith('Z') || started.length === 0 ? undefined : started.join(' ')
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 1) return undefined
    throw error
  }
}
