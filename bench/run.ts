import type { Sizes } from './figure.ts'
import { analyticsFigures } from './figures/analytics.ts'
import { idleFigure } from './figures/idle.ts'
import { latencyFigure } from './figures/latency.ts'
import { memoryFigures } from './figures/memory.ts'
import { revealFigures } from './figures/reveals.ts'
import { storyFigures } from './figures/stories.ts'
import { volumeFigures } from './figures/volume.ts'
import { webhookFigures, webhookRates } from './figures/webhooks.ts'
import type { Figure } from './report.ts'
import { openSite, type Site } from './site.ts'

export type RunOptions = {
  sizes: Sizes
  /** Commits wait for the disk, as in production. */
  durable: boolean
  /** Only figures of these files; all when absent. */
  only?: readonly string[]
  log: (line: string) => void
}

/** Takes every figure, one after the other on one machine. @throws {Error} when anything was lost or sent twice */
export async function takeFigures({ sizes, durable, only, log }: RunOptions): Promise<Figure[]> {
  const figures: Figure[] = []
  const wanted = (name: string) => only === undefined || only.includes(name)
  const took = (more: readonly Figure[]) => {
    figures.push(...more)
    for (const { figure, value, against = '', ratio } of more) {
      log(
        `${figure}: ${value}${against && ` against ${against}`}${ratio === undefined ? '' : ` (${ratio.toFixed(2)})`}`,
      )
    }
  }
  await onSite(durable, async (site) => {
    if (wanted('idle')) took([await idleFigure(site, sizes)])
    if (wanted('stories')) took(await storyFigures(site, sizes))
    await throughput(site, sizes, wanted, took)
  })
  // A site of its own: the others leave tens of thousands of jobs behind.
  if (wanted('memory')) await onSite(durable, async (site) => took(await memoryFigures(site, sizes)))
  return figures
}

async function onSite(durable: boolean, measure: (site: Site) => Promise<void>): Promise<void> {
  const site = await openSite({ durable })
  try {
    await measure(site)
  } finally {
    await site.close()
  }
}

async function throughput(
  site: Site,
  sizes: Sizes,
  wanted: (name: string) => boolean,
  took: (figures: readonly Figure[]) => void,
): Promise<void> {
  const reveals = wanted('reveals') || wanted('volume') ? await revealFigures(site, sizes) : undefined
  if (reveals !== undefined) took(reveals.figures)
  const needed = ['webhooks', 'latency', 'volume'].some(wanted)
  const webhooks = needed ? await webhookRates(site, sizes) : undefined
  if (webhooks !== undefined) took(webhookFigures(webhooks))
  if (wanted('latency') && webhooks !== undefined) {
    took([await latencyFigure(site, sizes, Math.min(webhooks.textmagic, webhooks.stripe) / 2)])
  }
  // The past grows from here on.
  if (wanted('analytics')) took(await analyticsFigures(site, sizes))
  if (wanted('volume') && reveals !== undefined && webhooks !== undefined) {
    took(await volumeFigures(site, sizes, { webhooks, reveals: reveals.rates }))
  }
}
