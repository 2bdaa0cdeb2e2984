import { Counter, Histogram, type Registry } from 'prom-client'
import type { SendClass } from '../domain/outbound.ts'
import type { CallObserver } from '../gateways/observer.ts'
import { CALL_SECONDS, WAIT_SECONDS } from './buckets.ts'

export type GatewayMetrics = {
  called: CallObserver
  /** A call waited for its slot of the send limit. @param granted false when it gave up */
  waitedForSlot(sendClass: SendClass, granted: boolean, seconds: number): void
}

/** `textmagic list replies` is `list_replies` of `textmagic`; what names neither gateway went to another system's webhook. */
export function gatewayOf(operation: string): { gateway: string; operation: string } {
  const [, named, rest] = /^(stripe|textmagic) (.+)$/.exec(operation) ?? []
  return { gateway: named ?? 'webhook', operation: (rest ?? operation).replaceAll(' ', '_') }
}

export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry]
  const calls = new Counter({
    name: 'lead_unlock_gateway_calls_total',
    help: 'Calls to gateways by operation and what is known about their effect',
    labelNames: ['gateway', 'operation', 'outcome'],
    registers,
  })
  const duration = new Histogram({
    name: 'lead_unlock_gateway_call_duration_seconds',
    help: 'Time that calls to gateways took, without the wait for the send limit',
    labelNames: ['gateway', 'operation'],
    buckets: CALL_SECONDS,
    registers,
  })
  const slots = new Histogram({
    name: 'lead_unlock_send_limit_wait_seconds',
    help: 'Time that calls to TextMagic waited for their slot of the send limit, and whether they got one',
    labelNames: ['send_class', 'granted'],
    buckets: WAIT_SECONDS,
    registers,
  })
  return {
    called(call) {
      const labels = gatewayOf(call.operation)
      calls.inc({ ...labels, outcome: call.outcome })
      duration.observe(labels, call.ms / 1000)
    },
    waitedForSlot: (send_class, granted, seconds) => slots.observe({ send_class, granted: String(granted) }, seconds),
  }
}
