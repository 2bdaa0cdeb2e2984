import { ConfigError, configWarnings, loadConfig } from '../config.ts'
import { createLogger, type Logger } from '../logging.ts'
import { type RunningApi, startApi } from './start.ts'

/** How long a stop may take; then the process ends anyway, and says so by its exit code. */
const STOP_TIMEOUT_MS = 10_000

/** Stops on SIGINT and SIGTERM: exit code 0 when everything was let go of in time, 1 otherwise or at a second signal. */
function stopOnSignal(api: RunningApi, logger: Logger): (reason: string, exitCode: number) => void {
  let stopping = false
  const stop = (reason: string, exitCode: number) => {
    if (stopping) {
      logger.warn({ reason }, 'asked to stop again: ending at once')
      process.exit(1)
    }
    stopping = true
    logger.info({ reason }, 'stopping')
    setTimeout(() => {
      logger.error({ reason }, 'did not stop in time')
      process.exit(1)
    }, STOP_TIMEOUT_MS).unref()
    api.close().then(
      () => {
        logger.info({ reason }, 'stopped')
        process.exit(exitCode)
      },
      (error: unknown) => {
        logger.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal, 0))
  return stop
}

async function main(): Promise<void> {
  const config = loadConfig(process.env, 'api')
  const logger = createLogger({ name: 'api', level: config.logLevel })
  for (const warning of configWarnings(config)) logger.warn(warning)
  try {
    let stop = (_reason: string, exitCode: number): void => process.exit(exitCode)
    const api = await startApi(config, logger, (error) => {
      logger.fatal({ err: error }, 'cannot go on')
      stop('fatal', 1)
    })
    stop = stopOnSignal(api, logger)
    logger.info({ port: config.port }, 'listening')
  } catch (error) {
    logger.fatal({ err: error }, 'could not start')
    process.exit(1)
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
