import { createHmac } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { databaseTrouble } from '../../src/api/database-errors.ts'
import type { PressureLimits } from '../../src/api/plugins/pressure.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { poolUsage } from '../../src/db/postgres/pool.ts'
import { operationsOf } from '../support/fuzz/document.ts'
import { until } from '../support/until.ts'
import { ADMIN_KEY, type Answer, type Harness, STRIPE_SECRET, startHarness, TOKEN } from './api-harness.ts'

const LATE_MS = 200
const WAITING_PER_CONNECTION = 1
/** Of the two kinds of pressure a test has one: a machine that is busy with other things must not bring the other. */
const UNLIMITED: PressureLimits = {
  eventLoopDelayMs: Number.POSITIVE_INFINITY,
  waitingPerConnection: Number.POSITIVE_INFINITY,
  sampleMs: 100,
  samples: 3,
}

let api: Harness
let pressure: Pressure | null = null
afterEach(async () => {
  await pressure?.end()
  pressure = null
  await api.close()
})

const leads = () => api.call('GET', '/api/leads')
const stripe = () => {
  const payload = JSON.stringify({ id: 'evt_under_pressure', type: 'customer.created', data: { object: {} } })
  const at = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', STRIPE_SECRET).update(`${at}.${payload}`).digest('hex')
  return api.inject({
    method: 'POST',
    url: '/webhook/stripe',
    payload,
    headers: { 'stripe-signature': `t=${at},v1=${signature}` },
  })
}
const textmagic = (id = '4711') =>
  api.inject({
    method: 'POST',
    url: `/webhook/textmagic?token=${TOKEN}`,
    payload: JSON.stringify({ id, sender: '13055550160', receiver: '13055550100', text: 'Y' }),
    headers: { 'content-type': 'application/json' },
  })
const healthz = () => api.inject({ method: 'GET', url: '/healthz' })
const isOver = async () => (await leads()).status === 200
const lines = () => api.log.map((line): Record<string, unknown> => JSON.parse(line))
/** A request would wait in vain for its connection until then. */
const isShedding = () => lines().some(({ msg }) => msg === 'shedding')

function expectShed(answer: Answer): void {
  expect(answer.status).toBe(503)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(answer.headers['x-content-type-options']).toBe('nosniff')
  expect(answer.body).toMatchObject({
    type: 'urn:lead-unlock:problem:overloaded',
    status: 503,
    request_id: answer.headers['x-request-id'],
  })
}

type Pressure = {
  /** Also waits until nothing of it is left. */
  end(): Promise<void>
}

/** Holds every connection, and has others wait for one; those who give up are replaced. */
function fillPool(): Pressure {
  const over = Promise.withResolvers<void>()
  let ended = false
  const { limit } = poolUsage(api.db)
  const hold = async (): Promise<void> => {
    while (!ended) {
      try {
        await inTransaction(api.db.em, async (tx) => {
          await tx.execute('select 1')
          await over.promise
        })
      } catch (error) {
        // Waited in vain for a connection, as is meant here.
        if (databaseTrouble(error) !== 'away') throw error
      }
    }
  }
  const all = Array.from({ length: limit * (WAITING_PER_CONNECTION + 1) + 1 }, hold)
  return {
    async end() {
      ended = true
      over.resolve()
      await Promise.all(all)
    },
  }
}

/** Holds the event loop up for longer than it may be, each time it comes round. */
function blockEventLoop(): Pressure {
  // Nobody wakes it: it waits in vain, and leaves the processor to others.
  const never = new Int32Array(new SharedArrayBuffer(4))
  let timer: NodeJS.Timeout
  const block = () => {
    Atomics.wait(never, 0, 0, 2 * LATE_MS)
    timer = setTimeout(block, 0)
  }
  timer = setTimeout(block, 0)
  return {
    async end() {
      clearTimeout(timer)
    },
  }
}

const POOL_LIMITS = { ...UNLIMITED, waitingPerConnection: WAITING_PER_CONNECTION }
const LOOP_LIMITS = { ...UNLIMITED, eventLoopDelayMs: LATE_MS }

describe.each([
  ['the Postgres pool is full', fillPool, POOL_LIMITS, 'postgres pool'],
  ['the event loop is blocked', blockEventLoop, LOOP_LIMITS, 'event loop'],
])('while %s', (_what, begin, limits, reason) => {
  it('API and Stripe are told when to come again, a text is stored, the process is alive, and then all is as before', async () => {
    api = await startHarness({ pressure: limits })
    await until('requests are answered', isOver)
    pressure = begin()
    await until('requests are shed', isShedding)
    expectShed(await leads())
    expectShed(await stripe())
    expect((await healthz()).status).toBe(200)
    const sent = textmagic()
    if (begin === fillPool) await pressure.end()
    expect((await sent).status).toBe(200)
    await pressure.end()
    await until('requests are answered again', isOver)
    expect(await api.rows('select external_id from webhook_inbox')).toEqual([
      { external_id: expect.stringContaining('4711') },
    ])
    expect((await stripe()).status).toBe(200)
    const told = lines().filter(({ operation }) => operation === 'pressure')
    expect(told.map(({ msg }) => msg).slice(0, 2)).toEqual(['shedding', 'over'])
    expect(told[0]).toMatchObject({ reason })
    expect(lines().filter(({ level, msg }) => level === 'error' || msg === 'overloaded')).toEqual([])
  })
})

it('texts that wait for their turn to be stored count as waiting for Postgres, though they hold no connection', async () => {
  api = await startHarness({ pressure: { ...UNLIMITED, waitingPerConnection: 2 } })
  const { limit } = poolUsage(api.db)
  const { answers } = await inTransaction(api.db.em, async (tx) => {
    await tx.execute('lock table webhook_inbox in exclusive mode')
    const texts = Array.from({ length: 4 * limit }, (_, index) => textmagic(`text-${index}`))
    await until('requests are shed', isShedding)
    expect(poolUsage(api.db).inUse).toBeLessThan(limit)
    expectShed(await stripe())
    return { answers: Promise.all(texts) }
  })
  expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([200]))
  await until('requests are answered again', isOver)
  expect(poolUsage(api.db).waiting).toBe(0)
})

it('every call is shed but for health, metrics and TextMagic, each as documented, and before its key is looked at', async () => {
  api = await startHarness({ pressure: LOOP_LIMITS })
  const operations = operationsOf((await api.inject({ method: 'GET', url: '/docs/json' })).body)
  pressure = blockEventLoop()
  await until('requests are shed', isShedding)
  const calls = operations.map(async ({ name, method, path, answers }) => {
    const request: InjectOptions = { method, url: path.replaceAll(/\{\w+\}/g, '1') }
    const isAnswered = (await api.inject(request)).body?.type !== 'urn:lead-unlock:problem:overloaded'
    if (!isAnswered) expect([...answers.keys()]).toContain(503)
    return isAnswered ? [name] : []
  })
  expect((await Promise.all(calls)).flat().sort()).toEqual([
    'GET /healthz',
    'GET /metrics',
    'GET /readyz',
    'GET /webhook/textmagic',
    'GET /webhook/textmagic/delivery',
    'POST /webhook/textmagic',
    'POST /webhook/textmagic/delivery',
  ])
  for (const url of ['/admin/queues', '/docs', '/no-such-thing']) {
    expectShed(await api.inject({ method: 'GET', url, headers: { authorization: `Bearer ${ADMIN_KEY}` } }))
  }
})

it('readiness, which is open to everybody, asks Postgres once for all who ask at the same time', async () => {
  api = await startHarness({ pressure: UNLIMITED })
  pressure = fillPool()
  await until('the pool to be full', () => poolUsage(api.db).inUse === poolUsage(api.db).limit)
  const asked = vi.spyOn(api.db.em, 'fork')
  const before = asked.mock.calls.length
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.inject({ method: 'GET', url: '/readyz' })))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
  // One who comes when the first answer is there asks anew; and those who hold the pool may ask for it again.
  expect(asked.mock.calls.length - before).toBeLessThan(25)
})
