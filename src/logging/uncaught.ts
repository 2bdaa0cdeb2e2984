import type { Logger } from 'pino'

const FAILURE = 1

/**
 * Lets the log tell of an error that nobody caught, and ends the process with exit code 1. Node would print it to standard
 * error as it is, with whatever its message holds. Rejections that nobody handles arrive here as well.
 */
export function exitOnUncaught(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught error: the process ends')
    process.exit(FAILURE)
  })
}
