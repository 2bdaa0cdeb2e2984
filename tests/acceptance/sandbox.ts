import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../src/sandbox/embedded/free-port.ts'
import { identify, isRunning, type ProcessIdentity } from '../../src/sandbox/processes/identity.ts'
import { type RunningProcess, runProcess } from '../../src/sandbox/processes/run-process.ts'
import { terminateThenKill } from '../../src/sandbox/processes/stopping.ts'
import { hasCode } from '../../src/sandbox/processes/system-error.ts'
import { until } from '../support/until.ts'
import { type AdminApi, adminApi } from './admin-api.ts'

/** `npm start`, running. */
export type Sandbox = {
  process: RunningProcess
  /** What it printed so far. */
  output(): string
  /** The addresses it printed, without a path. */
  apiUrl: string
  pagesUrl: string
  /** The lead it posted by itself. */
  leadId: string
  api: AdminApi
}

/** First starts initialise a database, and the machine may be busy. */
const READY_MS = 120_000
const root = join(import.meta.dirname, '..', '..')

/**
 * Runs a program of the sandbox as npm does.
 * @param dir state directory of the test
 * @param env on top of what a shell has
 */
export async function runSandboxProgram(program: 'start' | 'demo', dir: string, env: Record<string, string>) {
  const lines: string[] = []
  const { PATH = '', HOME = '' } = process.env
  const running = await runProcess({
    name: program,
    command: process.execPath,
    args: [join(root, 'src', 'sandbox', `${program}.ts`)],
    env: { PATH, HOME, ...env },
    cwd: '/',
    log: (line) => lines.push(line.replace(`[${program}] `, '')),
    stateDir: dir,
    stop: terminateThenKill(60_000),
  })
  return { process: running, output: () => lines.join('\n') }
}

/** Starts the sandbox and waits until it says where to look. @param dir state directory of the test; data stay in it */
export async function startSandbox(dir: string): Promise<Sandbox> {
  const env = { LEAD_UNLOCK_STATE_DIR: join(dir, 'sandbox'), PORT: String(await freePort()) }
  const { process: running, output } = await runSandboxProgram('start', dir, env)
  let hasEnded = false
  void running.exited.then(() => {
    hasEnded = true
  })
  const ready = () => hasEnded || output().includes('Ctrl-C stops everything')
  await until('the sandbox to be ready', ready, async () => output(), READY_MS)
  if (hasEnded) throw new Error(`The sandbox ended:\n${output()}`)
  const printed = (pattern: RegExp) => {
    const found = pattern.exec(output())?.[1]
    if (found === undefined) throw new Error(`${pattern} was not printed:\n${output()}`)
    return found
  }
  const apiUrl = printed(/ API +(http:\S+)\/docs/)
  return {
    process: running,
    output,
    apiUrl,
    pagesUrl: printed(/ Phones +(http:\S+)\/sandbox/),
    leadId: printed(/Sample lead (lead_\w{8}) was posted/),
    api: adminApi(apiUrl, printed(/ Admin key +(\S+)/)),
  }
}

/** Every process that descends from this one, at this moment. */
export function descendants(pid: number): ProcessIdentity[] {
  const table = process.platform === 'linux' ? tableOnLinux() : tableByPs()
  const below = (parent: number): number[] =>
    table.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid).flatMap((child) => identify(child) ?? [])
}

/** Slim containers have no `ps`. proc_pid_stat(5): the parent is the second field after the name in brackets. */
function tableOnLinux(): [number, number][] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => [Number(pid), Number(/\) \S (\d+) [^)]*$/.exec(readIfPresent(`/proc/${pid}/stat`))?.[1])])
}

/** Processes come and go while the table is read. */
function readIfPresent(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return ''
    throw error
  }
}

function tableByPs(): [number, number][] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, ppid] = line.trim().split(/\s+/).map(Number)
      return [pid ?? 0, ppid ?? 0]
    })
}

/** Waits until all of these processes have ended. */
export async function allEnded(processes: readonly ProcessIdentity[]): Promise<void> {
  const left = () => processes.filter(isRunning).map(({ pid }) => pid)
  await until(
    'every process to have ended',
    () => left().length === 0,
    async () => `left: ${left().join()}`,
    60_000,
  )
}
