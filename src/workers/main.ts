import { configWarnings, loadWorkerConfig } from '../config.ts'
import { runMain, stopOnSignal } from '../lifecycle.ts'
import { createLogger, exitOnUncaught } from '../logging.ts'
import { jobNames } from '../queues/contract.ts'
import { trustCertificates } from '../trust.ts'
import { startWorkers } from './start.ts'

/** A job under way may be waiting for Stripe, which is asked three times for 10 s each, with pauses between. */
const STOP_TIMEOUT_MS = 40_000

async function main(): Promise<void> {
  const { config, queues } = loadWorkerConfig(process.env, jobNames)
  const log = createLogger({ name: 'worker', level: config.logLevel })
  exitOnUncaught(log)
  trustCertificates(config.extraCertificates)
  for (const warning of configWarnings(config)) log.warn(warning)
  try {
    const starting = startWorkers(config, log, queues)
    stopOnSignal(starting, log, STOP_TIMEOUT_MS)
    const { port } = await starting
    log.info({ queues, port: port ?? undefined }, 'working')
  } catch (error) {
    log.fatal({ err: error }, 'could not start')
    process.exit(1)
  }
}

await runMain(main)
