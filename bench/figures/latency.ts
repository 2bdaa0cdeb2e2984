import type { Sizes } from '../figure.ts'
import { type Post, steady } from '../load.ts'
import { inboundSms } from '../posts.ts'
import { type Figure, judged } from '../report.ts'
import type { Site } from '../site.ts'
import { median, percentile } from '../statistics.ts'

const SLOW_MS = 2000
const SENDER = '12125550161'

/**
 * The slowest answers to webhooks while workers call gateways that take long, against gateways that answer at once.
 * @param perSecond webhooks per second: half of what the API can take
 */
export async function latencyFigure(site: Site, sizes: Sizes, perSecond: number): Promise<Figure> {
  const worker = await site.startWorker('worker-latency')
  // Each is answered with a text of ours: the gateway is busy all the time.
  const make = (): Post => inboundSms(site.secrets.textmagicWebhookToken, SENDER, 'HELP')
  const load = { count: sizes.steady, perSecond }
  const quick: number[] = []
  const slow: number[] = []
  for (let round = 0; round <= sizes.rounds; round += 1) {
    for (const [p99s, delayMs] of [[quick, 0] as const, [slow, SLOW_MS] as const]) {
      await site.gateways.answerAfter(delayMs)
      const { latenciesMs } = await steady(site.apiUrl, load, make)
      if (round > 0) p99s.push(percentile(latenciesMs, 0.99))
    }
  }
  await site.gateways.answerAfter(0)
  await site.stop(worker)
  return {
    figure: `p99 of a webhook's answer at ${perSecond.toFixed(0)}/s, gateways taking 2 s`,
    value: `${median(slow).toFixed(1)} ms`,
    against: `${median(quick).toFixed(1)} ms, gateways answering at once`,
    ...judged(median(slow) / median(quick), '≤', 1.2),
  }
}
