import type { PressureLimits } from '../../src/api/plugins/pressure.ts'

/**
 * For an API that shares its event loop with workers, emulated gateways and the tests themselves: however busy the machine is,
 * nobody is turned away.
 */
export const NO_SHEDDING: PressureLimits = {
  eventLoopDelayMs: Number.POSITIVE_INFINITY,
  waitingPerConnection: Number.POSITIVE_INFINITY,
  sampleMs: 1_000,
  samples: 1,
}
