import { setTimeout as delay } from 'node:timers/promises'
import type { Sizes } from '../figure.ts'
import { saturate } from '../load.ts'
import { paidEvent } from '../posts.ts'
import type { Figure } from '../report.ts'
import type { Site } from '../site.ts'
import { percentile } from '../statistics.ts'
import { stockAwaiting } from '../stock.ts'

const REACH_MS = 30
const WITHIN_MS = 30_000
/** A pause in which nothing happens, so that each payment meets an idle system. */
const PAUSE_MS = 50
const WARM_UP = 5

/** From a payment's webhook to the reveal at the gateway, one at a time. */
export async function idleFigure(site: Site, sizes: Sizes): Promise<Figure> {
  const worker = await site.startWorker('worker-idle')
  const unlocks = await stockAwaiting(site.database, site.secrets.encryptionKeys, 'idl', sizes.singles + WARM_UP)
  const times: number[] = []
  for (const unlock of unlocks) {
    const before = await site.gateways.count()
    const started = performance.timeOrigin + performance.now()
    await saturate(site.apiUrl, 1, () => paidEvent(site.secrets.stripeWebhookSecret, unlock))
    await site.gateways.reached(before + 1, WITHIN_MS)
    const [sms] = await site.gateways.acceptedFrom(before)
    times.push((sms?.at ?? Number.NaN) - started)
    await delay(PAUSE_MS)
  }
  await site.stop(worker)
  const measured = times.slice(WARM_UP)
  const [p50, p99] = [percentile(measured, 0.5), percentile(measured, 0.99)]
  return {
    figure: 'payment webhook to reveal at the gateway, idle',
    value: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    reach: `p50 ≤ ${REACH_MS} ms`,
    reached: p50 <= REACH_MS,
  }
}
