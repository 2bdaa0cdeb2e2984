import { isRunning, type ProcessIdentity } from './identity.ts'
import { parentNpm } from './npm-parent.ts'
import type { ProcessExit } from './run-process.ts'
import { END_SIGNALS } from './signals.ts'

/** Something that runs until it is stopped: a child process, a server in this process, a store. */
export type Supervised = {
  readonly name: string
  /** Resolves when it has ended; one that ends unasked brings the rest down. */
  readonly exited?: Promise<ProcessExit>
  /** Stops it in order. */
  stop(): Promise<unknown>
  /** Ends it at once, whatever it was doing. */
  kill?(): void
  lastLines?(): string[]
}

export type SuperviseOptions = {
  /** In the order they were started; stopped in reverse. */
  children: readonly Supervised[]
  log: (line: string) => void
  /** The process whose loss counts as a signal; by default the npm that started this one. */
  parent?: ProcessIdentity
}

/** Ctrl-C reaches us from the terminal and again through npm, which forwards it: that is one wish, not two. */
const SAME_CTRL_C_MS = 700
const PARENT_CHECK_MS = 500

/**
 * The last thing a process does before it exits: waits for SIGINT, SIGTERM or SIGHUP, for a child that ends unasked, or
 * for the loss of the parent; then stops every child in reverse order. A second Ctrl-C kills them instead. Signals are
 * handled from the call on; before it, a signal ends this process as usual, and the guard stops what it had started.
 * @returns the exit code: 0 when all were stopped on a signal, 1 when a child ended by itself or would not stop,
 *   130 when a second Ctrl-C cut it short
 */
export async function superviseUntilSignal(options: SuperviseOptions): Promise<number> {
  const { children, log } = options
  const reasons = watchForEnd(options)
  const cutShort = Promise.withResolvers<number>()
  try {
    const failed = await reasons.first
    reasons.onRepeat(() => {
      log('killing what is still running')
      for (const child of children) child.kill?.()
      cutShort.resolve(130)
    })
    const stopped = stopInReverse(children, log)
    return await Promise.race([stopped.then((ok) => (ok && !failed ? 0 : 1)), cutShort.promise])
  } finally {
    reasons.close()
  }
}

/** Stops the children in reverse order, going on when one fails. Resolves to whether all stopped. */
export async function stopInReverse(children: readonly Supervised[], log: (line: string) => void): Promise<boolean> {
  let ok = true
  for (const child of children.toReversed()) {
    try {
      await child.stop()
    } catch (error) {
      ok = false
      log(`${child.name} did not stop: ${error instanceof Error ? error.message : String(error)}`)
      child.kill?.()
    }
  }
  return ok
}

function watchForEnd({ children, log, parent = parentNpm() }: SuperviseOptions) {
  const first = Promise.withResolvers<boolean>()
  let signalledAt: number | undefined
  let repeated: (() => void) | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    if (signalledAt === undefined) {
      signalledAt = performance.now()
      log(`${signal === 'SIGINT' ? 'Ctrl-C' : signal}: stopping (again to kill)`)
      first.resolve(false)
    } else if (signal === 'SIGINT' && performance.now() - signalledAt > SAME_CTRL_C_MS) repeated?.()
  }
  for (const signal of END_SIGNALS) process.on(signal, onSignal)
  for (const child of children) {
    child.exited?.then((exit) => {
      if (exit.asked) return
      const how = exit.signal === null ? `with exit code ${exit.code}` : `by ${exit.signal}`
      log([`${child.name} ended unexpectedly, ${how}`, ...(child.lastLines?.() ?? [])].join('\n  '))
      first.resolve(true)
    })
  }
  const timer = setInterval(() => {
    if (parent === undefined || isRunning(parent)) return
    log('the process that started this one is gone: stopping')
    clearInterval(timer)
    first.resolve(false)
  }, PARENT_CHECK_MS)
  return {
    first: first.promise,
    onRepeat(act: () => void) {
      repeated = act
    },
    // The signal handlers stay: a Ctrl-C that arrives while the process exits must not change its exit code.
    close: () => clearInterval(timer),
  }
}
