import { expect, test } from 'vitest'
import { SMOKE } from '../../bench/figure.ts'
import { markdown } from '../../bench/report.ts'
import { takeFigures } from '../../bench/run.ts'

const FIGURES = [
  'payment webhook to reveal at the gateway, idle',
  'whole stories, two workers, gateways taking 300 ms',
  'reveals, payment in to SMS accepted',
  'reveals while gateways take 300 ms, payment in to SMS accepted',
  'webhooks answered, TextMagic',
  'webhooks answered, Stripe',
  "p99 of a webhook's answer",
  'analytics over 180 unlocks',
  'analytics over a third of the time of 180 unlocks',
  'webhooks, TextMagic, 100 leads stored',
  'webhooks, Stripe, 100 leads stored',
  'reveals, 100 leads stored',
  'memory of the API',
  'memory of the worker',
]

test('the benchmark produces every figure, and loses nothing on the way', async () => {
  const figures = await takeFigures({ sizes: SMOKE, durable: false, log: () => undefined })
  expect(figures.map(({ figure }) => FIGURES.find((name) => figure.startsWith(name)))).toEqual(FIGURES)
  for (const { figure, value, ratio } of figures) {
    expect(value, figure).toMatch(/\d/)
    expect(value, figure).not.toMatch(/NaN|Infinity/)
    if (ratio !== undefined) expect(ratio, figure).toBeGreaterThan(0)
  }
  expect(
    markdown(figures, 'a machine')
      .split('\n')
      .filter((line) => line.startsWith('| ')).length,
  ).toBe(FIGURES.length + 1)
})
