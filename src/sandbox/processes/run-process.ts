import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { identify, ownIdentity } from './identity.ts'
import { openLogFile, tailOf } from './log-file.ts'
import { removeRecord, writeRecord } from './records.ts'
import { type StopStep, sendSignal, terminateThenKill } from './stopping.ts'
import { hasCode } from './system-error.ts'

/** How a process ended: its exit code, or the signal that ended it; `asked` when `stop` or `kill` was called before. */
export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null; asked: boolean }

export type ProcessOptions = {
  /** Names it in messages, its record and its output. */
  name: string
  command: string
  args: readonly string[]
  /** Its whole environment; this process's own when absent. */
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** The account it runs as; supplementary groups are dropped. */
  uid?: number
  gid?: number
  /** Text it reads from its standard input; nothing when absent. */
  input?: string
  /** Takes its output line by line, each with `[name] ` before it. Unused with `logFile`. */
  log?: (line: string) => void
  /** The file that takes its output instead, and goes on doing so should this process be killed. */
  logFile?: string
  /** State directory that records the process, so that the guard or the next run can stop it when this one is killed. */
  stateDir?: string
  /** How to stop it; SIGTERM, then SIGKILL after 10 s when absent. */
  stop?: readonly StopStep[]
}

export type RunningProcess = {
  readonly name: string
  readonly pid: number
  /** Resolves once it has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<ProcessExit>
  /** What it wrote last, for error messages. */
  lastLines(): string[]
  /** Stops it, by `steps` when given, and resolves once it has ended. */
  stop(steps?: readonly StopStep[]): Promise<ProcessExit>
  /** Ends it and its group at once. */
  kill(): void
}

const KEPT_LINES = 20

/**
 * Starts a child process in its own process group, so that a Ctrl-C on the terminal reaches it through us and in our
 * order, and not at the same time as every other process.
 * @throws when the command cannot be started at all
 */
export async function runProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { name, stateDir, stop = terminateThenKill(10_000) } = options
  const { child, lastLines } = await spawnWithOutput(options)
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} has no process id.`)
  const identity = identify(pid)
  if (stateDir !== undefined && identity !== undefined) {
    writeRecord(stateDir, { name, process: identity, owner: ownIdentity(), stop: [...stop] })
  }
  let asked = false
  const exited = ended(child, options.logFile === undefined).then((exit) => {
    if (stateDir !== undefined && identity !== undefined) removeRecord(stateDir, name, identity)
    return { ...exit, asked }
  })
  const running = () => child.exitCode === null && child.signalCode === null
  return {
    name,
    pid,
    exited,
    lastLines,
    async stop(steps = stop) {
      asked = true
      for (const step of steps) {
        if (!running()) break
        sendSignal(pid, step)
        await within(exited, step.waitMs)
      }
      if (running()) throw new Error(`${name} (process ${pid}) did not stop.`)
      return exited
    },
    kill() {
      asked = true
      if (running()) sendSignal(pid, { signal: 'SIGKILL', group: true })
    },
  }
}

async function spawnWithOutput(options: ProcessOptions): Promise<{ child: ChildProcess; lastLines: () => string[] }> {
  const { logFile, input } = options
  const stdin = input === undefined ? 'ignore' : 'pipe'
  if (logFile === undefined) {
    const child = await spawnChild(options, [stdin, 'pipe', 'pipe'])
    const kept: string[] = []
    const keep = (line: string) => {
      kept.push(line)
      if (kept.length > KEPT_LINES) kept.shift()
      options.log?.(`[${options.name}] ${line}`)
    }
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', keep)
    }
    return { child, lastLines: () => [...kept] }
  }
  const file = openLogFile(logFile)
  try {
    const { size } = fstatSync(file)
    const child = await spawnChild(options, [stdin, file, file])
    return { child, lastLines: () => tailOf(logFile, KEPT_LINES, size) }
  } finally {
    closeSync(file)
  }
}

async function spawnChild(options: ProcessOptions, stdio: StdioOptions): Promise<ChildProcess> {
  const { name, command, args, env, cwd, uid, gid, input } = options
  const child = spawn(command, [...args], { env, cwd, uid, gid, stdio, detached: true })
  try {
    await once(child, 'spawn')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${name} could not be started: ${reason}`, { cause: error })
  }
  // A child that ends without reading its input breaks the pipe; its exit is what tells.
  child.stdin?.on('error', (error) => {
    if (!hasCode(error, 'EPIPE') && !hasCode(error, 'ECONNRESET')) options.log?.(`[${name}] ${error.message}`)
  })
  child.stdin?.end(input)
  return child
}

async function ended(child: ChildProcess, piped: boolean): Promise<Omit<ProcessExit, 'asked'>> {
  const closed = once(child, 'close')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  // The last lines arrive with `close`, which a grandchild that keeps the pipe open would hold up.
  if (piped) await within(closed, 200)
  return { code: child.exitCode, signal: child.signalCode }
}

/** Waits for `promise`, but no longer than `ms`. */
async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  const timer = new AbortController()
  const elapsed = delay(ms, undefined, { signal: timer.signal }).catch((error: unknown) => {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error
  })
  await Promise.race([promise, elapsed])
  timer.abort()
}
