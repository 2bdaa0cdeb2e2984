import { Gauge, Registry } from 'prom-client'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Collector, createCollector } from '../../../src/metrics/exposition.ts'
import { readScrape, type Scrape } from '../../support/figures.ts'

const FRESH_MS = 10_000

let now: number
let asked: number
let answer: () => Promise<number>
let errors: string[]
let collector: Collector

beforeEach(() => {
  now = 1_000
  asked = 0
  errors = []
  const registry = new Registry()
  const onError = (error: unknown, source: string) => errors.push(`${source}: ${String(error)}`)
  collector = createCollector(registry, { onError, patienceMs: 20, now: () => now })
  const waiting = new Gauge({ name: 'waiting', help: 'asked for', labelNames: ['queue'], registers: [registry] })
  new Gauge({ name: 'other', help: 'always there', registers: [registry] }).set(7)
  collector.add({
    source: 'queues',
    freshMs: FRESH_MS,
    read() {
      asked += 1
      return answer()
    },
    show: (value: number) => waiting.set({ queue: 'reveal' }, value),
    clear: () => waiting.reset(),
  })
})

const scrape = async (): Promise<Scrape> => readScrape(await collector.text())
const waitingIn = ({ value }: Scrape) => value('waiting', { queue: 'reveal' })
const failuresIn = ({ value }: Scrape) => value('lead_unlock_collect_errors_total', { source: 'queues' })

describe('figures that have to be asked for', () => {
  it('are not asked for before somebody looks, and once in ten seconds however many look', async () => {
    answer = async () => 3
    expect(asked).toBe(0)
    const scrapes = await Promise.all([scrape(), scrape(), scrape()])
    expect(scrapes.map(waitingIn)).toEqual([3, 3, 3])
    expect(scrapes.map(failuresIn)).toEqual([0, 0, 0])
    now += FRESH_MS - 1
    answer = async () => 4
    expect(waitingIn(await scrape())).toBe(3)
    expect(asked).toBe(1)
    now += 1
    expect(waitingIn(await scrape())).toBe(4)
    expect(asked).toBe(2)
  })

  it('that cannot be had leave the others there, and are counted and told', async () => {
    answer = async () => {
      throw new Error('Redis is away')
    }
    const seen = await scrape()
    expect(waitingIn(seen)).toBeUndefined()
    expect(seen.value('other')).toBe(7)
    expect(failuresIn(seen)).toBe(1)
    expect(errors).toEqual(['queues: Error: Redis is away'])
  })

  it('that fail are not asked for more often than those that come', async () => {
    answer = async () => {
      throw new Error('too slow')
    }
    await scrape()
    await scrape()
    expect(asked).toBe(1)
    now += FRESH_MS
    await scrape()
    expect(asked).toBe(2)
  })

  it('are shown until they are twice as old as they may be, then not at all', async () => {
    answer = async () => 3
    await scrape()
    answer = async () => {
      throw new Error('Redis is away')
    }
    now += FRESH_MS
    expect(waitingIn(await scrape())).toBe(3)
    now += FRESH_MS
    expect(waitingIn(await scrape())).toBeUndefined()
  })

  it('that take long do not hold a scrape up; they are there for the next, and asked for by one at a time', async () => {
    const late = Promise.withResolvers<number>()
    answer = () => late.promise
    const first = await scrape()
    expect([waitingIn(first), first.value('other'), failuresIn(first)]).toEqual([undefined, 7, 1])
    now += FRESH_MS
    expect(waitingIn(await scrape())).toBeUndefined()
    expect(asked).toBe(1)
    late.resolve(5)
    answer = async () => 6
    await late.promise
    expect(waitingIn(await scrape())).toBe(6)
  })
})
