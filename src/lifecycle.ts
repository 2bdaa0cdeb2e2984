import type { Logger } from './logging.ts'

export type Stop = (reason: string, exitCode: number) => void

/**
 * Ends the process in order on SIGINT and SIGTERM: exit code 0 when `close` was through in time, 1 otherwise or at a second
 * signal.
 *
 * @param close lets go of everything
 * @param timeoutMs how long that may take, milliseconds; what was under way then is found again by the sweep
 * @returns the same stop, for reasons from inside
 */
export function stopOnSignal(close: () => Promise<void>, log: Logger, timeoutMs: number): Stop {
  let stopping = false
  const stop: Stop = (reason, exitCode) => {
    if (stopping) {
      log.warn({ reason }, 'asked to stop again: ending at once')
      process.exit(1)
    }
    stopping = true
    log.info({ reason }, 'stopping')
    setTimeout(() => {
      log.error({ reason }, 'did not stop in time')
      process.exit(1)
    }, timeoutMs).unref()
    close().then(
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
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal, 0))
  return stop
}

/**
 * Runs an entry point. What is wrong with the environment is told in plain words, everything else by the log.
 *
 * @param isConfigError tells the errors whose message is meant for a person
 */
export async function runMain(main: () => Promise<void>, isConfigError: (error: unknown) => boolean): Promise<void> {
  try {
    await main()
  } catch (error) {
    if (!isConfigError(error) || !(error instanceof Error)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}
