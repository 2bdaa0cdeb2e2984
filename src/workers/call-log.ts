import { AsyncLocalStorage } from 'node:async_hooks'
import type { GatewayCall } from '../gateways/observer.ts'
import type { Logger } from '../logging.ts'

const current = new AsyncLocalStorage<Logger>()

/** Runs `work` so that the gateway calls it makes are logged as its own: by its job and the request that caused it. */
export function loggingCalls<T>(log: Logger, work: () => Promise<T>): Promise<T> {
  return current.run(log, work)
}

/** Logs one call to a gateway: what went wrong always, what went well for those who look closely. */
export function logCall({ operation, outcome, ms, code }: GatewayCall): void {
  const level = outcome === 'ok' ? 'debug' : 'info'
  current.getStore()?.[level]({ operation, outcome, error_code: code, duration_ms: Math.round(ms) }, 'gateway called')
}
