import type { SendLimit } from '../gateways/send-limit.ts'
import type { GatewayMetrics } from './gateways.ts'

/** The same limit, with the wait for each slot measured. */
export function measureSendLimit(
  limit: Pick<SendLimit, 'acquire'>,
  metrics: Pick<GatewayMetrics, 'waitedForSlot'>,
): Pick<SendLimit, 'acquire'> {
  return {
    async acquire(sendClass) {
      const since = performance.now()
      let granted = false
      try {
        await limit.acquire(sendClass)
        granted = true
      } finally {
        metrics.waitedForSlot(sendClass, granted, (performance.now() - since) / 1000)
      }
    },
  }
}
