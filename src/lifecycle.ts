import { ConfigError } from './config/error.ts'
import type { Logger } from './logging.ts'

export type Stop = (reason: string, exitCode: number) => void

/**
 * A signal that comes again so soon is the same one, milliseconds: a terminal sends Ctrl-C, and systemd SIGTERM, to npm and
 * to the process alike, and npm passes on what it gets.
 */
const SAME_SIGNAL_MS = 1_000

/** What a process runs: `close` lets go of everything, in order. */
export type Running = { close(): Promise<void> }

/**
 * Ends the process in order on SIGINT and SIGTERM: exit code 0 when everything was let go of in time, 1 otherwise or at a
 * second signal, a second later or more. Signals are heeded from the call on, also while it is still starting: as process 1
 * of a container it would otherwise not notice them, and a start may wait for Redis as long as it takes.
 *
 * @param starting becomes what is to be closed; a signal before that ends the process at once, as nothing was taken on
 * @param timeoutMs how long closing may take, milliseconds; what was under way then is found again by the sweep
 * @returns the same stop, for reasons from inside, which may be found again while it stops
 */
export function stopOnSignal(starting: Promise<Running>, log: Logger, timeoutMs: number): Stop {
  let running: Running = { close: async () => undefined }
  let stopping = false
  const stop: Stop = (reason, exitCode) => {
    if (stopping) return
    stopping = true
    log.info({ reason }, 'stopping')
    setTimeout(() => {
      log.error({ reason }, 'did not stop in time')
      process.exit(1)
    }, timeoutMs).unref()
    running.close().then(
      () => {
        log.info({ reason }, 'stopped')
        process.exit(exitCode)
      },
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  starting.then(
    (started) => {
      running = started
    },
    // Told by whoever started it.
    () => undefined,
  )
  let signalledAt = Number.NEGATIVE_INFINITY
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const isSame = performance.now() - signalledAt < SAME_SIGNAL_MS
      signalledAt = performance.now()
      if (isSame) return
      if (stopping) {
        log.warn({ reason: signal }, 'asked to stop again: ending at once')
        process.exit(1)
      }
      stop(signal, 0)
    })
  }
  return stop
}

/** Runs an entry point. What is wrong with the environment is told in plain words, everything else by the log. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}
