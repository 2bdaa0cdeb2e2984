import { setTimeout as delay } from 'node:timers/promises'
import { stopOnSignal } from '../../src/lifecycle.ts'
import { createLogger } from '../../src/logging.ts'

// Does nothing until it is told to stop, and closes as the argument says. "fatal" tells itself, twice.
const [manner = '', timeoutMs = ''] = process.argv.slice(2)
const log = createLogger({ name: 'test', level: 'info' })
const close = async (): Promise<void> => {
  log.info('closing')
  if (manner === 'failing') throw new Error('broken')
  if (manner === 'slow') await delay(300)
  if (manner === 'hanging') await new Promise(() => undefined)
}
setInterval(() => undefined, 60_000)
const starting = Promise.resolve({ close })
const stop = stopOnSignal(starting, log, Number(timeoutMs))
await starting
log.info('working')
if (manner === 'fatal') {
  stop('fatal', 1)
  stop('fatal', 1)
}
