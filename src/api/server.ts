import { configWarnings, loadConfig } from '../config.ts'
import { runMain, stopOnSignal } from '../lifecycle.ts'
import { createLogger, exitOnUncaught } from '../logging.ts'
import { trustCertificates } from '../trust.ts'
import { startApi } from './start.ts'

/** Requests under way are answered within this, or given up: each calls Postgres and Redis alone. */
const STOP_TIMEOUT_MS = 10_000

async function main(): Promise<void> {
  const config = loadConfig(process.env)
  const log = createLogger({ name: 'api', level: config.logLevel })
  exitOnUncaught(log)
  trustCertificates(config.extraCertificates)
  for (const warning of configWarnings(config)) log.warn(warning)
  try {
    const starting = startApi(config, log, (error) => {
      log.fatal({ err: error }, 'cannot go on')
      stop('fatal', 1)
    })
    const stop = stopOnSignal(starting, log, STOP_TIMEOUT_MS)
    const { port } = await starting
    log.info({ port }, 'listening')
  } catch (error) {
    log.fatal({ err: error }, 'could not start')
    process.exit(1)
  }
}

await runMain(main)
