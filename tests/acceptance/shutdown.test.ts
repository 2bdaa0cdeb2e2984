import { request } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../src/sandbox/embedded/redis.ts'
import type { RunningProcess } from '../../src/sandbox/processes/run-process.ts'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { LOCAL } from '../../src/sandbox/state-location.ts'
import { until } from '../support/until.ts'
import type { Json } from './admin-api.ts'
import { DEPLOY_MS, type Deployment, deploy } from './deployment.ts'
import { postTexts } from './load.ts'
import { logText } from './logs.ts'
import { newPerson, offer, type Person, STEP_MS, TEASER } from './people.ts'
import { temporaryState } from './state.ts'

/** Processes start again in each test. */
const TEST_MS = 150_000
/** What the processes promise, milliseconds. */
const API_STOPS_WITHIN = 10_000
const WORKER_STOPS_WITHIN = 40_000
/** Enough for the work to be well under way when the signal comes. */
const WARMED_UP = 25
/** How long a gateway is asked for, milliseconds: it is done after the signal. */
const SLOW_MS = 5_000

let deployment: Deployment
let api: RunningProcess
let worker: RunningProcess
const gone = new Set<RunningProcess>()

beforeAll(async () => {
  deployment = await deploy({ bare: true })
  await deployment.migrate()
  api = await deployment.startApi()
  worker = await deployment.startWorker()
}, DEPLOY_MS)
afterAll(() => deployment?.close())
beforeEach(async () => {
  if (gone.has(api)) api = await deployment.startApi()
  if (gone.has(worker)) worker = await deployment.startWorker()
}, DEPLOY_MS)
afterEach(() => deployment.textmagic.faults.clear())

// Which of the two signals it is, tests/integration/lifecycle.test.ts has shown to be the same.
test('an API under load that gets a SIGTERM answers what it has begun, ends with 0, and loses nothing that it acknowledged', {
  timeout: TEST_MS,
}, async () => {
  const amy = await newPerson(deployment)
  const load = postTexts(deployment)
  await until('the load to be under way', () => load.acknowledged.length >= WARMED_UP, undefined, STEP_MS)
  const begun = await beginLead(amy)

  const { code, ms } = await ended(api, 'SIGTERM', async () => {
    await until('new connections to be refused', () => load.failures.has('ECONNREFUSED'))
    expect(await begun.finish()).toBe(201)
  })
  await load.stop()
  expect(code).toBe(0)
  expect(ms).toBeLessThan(API_STOPS_WITHIN)
  expect([...load.statuses]).toEqual([200])

  api = await deployment.startApi()
  await amy.gets(TEASER)
  const forwarded = () => new Set(deployment.received.map(({ body }) => JSON.parse(body).text))
  const missing = () => load.acknowledged.filter((text) => !forwarded().has(text))
  await until(
    'everything acknowledged to be handled',
    () => missing().length === 0,
    async () => missing().join(),
    STEP_MS,
  )
})

test('a worker under load that gets a SIGINT finishes the jobs it has, ends with 0, and leaves the rest to the next', {
  timeout: TEST_MS,
}, async () => {
  const people = await Promise.all(Array.from({ length: 40 }, () => newPerson(deployment)))
  deployment.textmagic.faults.add({ kind: 'slow', delay_ms: 300, path: '/api/v2/messages', times: null })
  const sent = () => people.filter((person) => person.inbox(TEASER).length > 0).length
  const { leadId } = await offer(deployment, people)
  await until('some teasers to be out', () => sent() > 5, undefined, STEP_MS)

  const { code, ms } = await ended(worker, 'SIGINT')
  expect(code).toBe(0)
  expect(ms).toBeLessThan(WORKER_STOPS_WITHIN)
  expect(sent()).toBeLessThan(people.length)
  // None was left in the middle: what the gateway took is recorded.
  const { unlocks } = (await deployment.api('GET', `/api/leads/${leadId}`)).body
  expect(unlocks.filter(({ status }: Json) => status === 'AWAIT_CONFIRM')).toHaveLength(sent())
  deployment.textmagic.faults.clear()

  worker = await deployment.startWorker()
  await until('every teaser', () => sent() === people.length, undefined, STEP_MS)
  expect(people.map((person) => person.inbox(TEASER).length)).toEqual(people.map(() => 1))
})

test('a second signal ends an API and a worker that are still stopping at once, with 1', {
  timeout: TEST_MS,
}, async () => {
  const begun = await beginLead(await newPerson(deployment))
  expect(await endedBySecondSignal(api, 'api')).toBe(1)
  await expect(begun.finish()).rejects.toThrow()

  deployment.textmagic.faults.add({ kind: 'hang', path: '/api/v2/messages' })
  api = await deployment.startApi()
  await offer(deployment, [await newPerson(deployment)])
  await until('the gateway to hang', () => deployment.textmagic.faults.list().length === 0)
  expect(await endedBySecondSignal(worker, 'worker')).toBe(1)
})

test('a signal that comes twice at once, sent by the terminal and passed on by npm, ends a worker in order, with 0', {
  timeout: TEST_MS,
}, async () => {
  const amy = await newPerson(deployment)
  deployment.textmagic.faults.add({ kind: 'slow', delay_ms: 3_000, path: '/api/v2/messages' })
  const { leadId } = await offer(deployment, [amy])
  await until('the gateway to be asked', () => deployment.textmagic.faults.list().length === 0)
  const before = logText(deployment, 'worker').length
  send(worker, 'SIGINT')
  await until('it to be stopping', () => logText(deployment, 'worker').slice(before).includes('"msg":"stopping"'))
  send(worker, 'SIGINT')
  const { code } = await worker.exited
  gone.add(worker)
  expect(code).toBe(0)
  expect((await deployment.api('GET', `/api/leads/${leadId}`)).body.unlocks).toMatchObject([
    { status: 'AWAIT_CONFIRM' },
  ])
})

test('a worker whose Redis is away finishes what it has begun, and ends in order, with 0', {
  timeout: TEST_MS,
}, async () => {
  const state = await temporaryState()
  onTestFinished(() => state.close())
  const redis = await startRedis({ dir: state.dir, cacheDir: LOCAL, ephemeral: true, log: () => undefined })
  onTestFinished(async () => void (await redis.stop()))
  const own = await deploy({ bare: true, env: { REDIS_URL: redis.url } })
  onTestFinished(() => own.close())
  await own.migrate()
  await own.startApi()
  const cutOff = await own.startWorker()
  const amy = await newPerson(own)
  const { unlockIds } = await offer(own, [amy])
  await amy.gets(TEASER)
  own.stripe.faults.add({ kind: 'slow', method: 'POST', path: '/v1/payment_links', delay_ms: SLOW_MS })
  await amy.texts('Y')
  await until('Stripe to be asked', () => own.stripe.faults.list().length === 0)
  await redis.stop()
  const { code, ms } = await ended(cutOff, 'SIGTERM')
  expect(code).toBe(0)
  expect(ms).toBeLessThan(WORKER_STOPS_WITHIN / 2)
  expect((await own.api('GET', `/api/unlocks/${unlockIds[0]}`)).body.links).toMatchObject([{ status: 'open' }])
})

/** Sends the signal. @returns how the process ended and after how long */
async function ended(process: RunningProcess, signal: NodeJS.Signals, meanwhile?: () => Promise<void>) {
  const since = performance.now()
  send(process, signal)
  await meanwhile?.()
  const { code } = await process.exited
  gone.add(process)
  return { code, ms: performance.now() - since }
}

/** The second comes once the first has been heard, and too late to be the same. */
async function endedBySecondSignal(process: RunningProcess, name: string): Promise<number | null> {
  const before = logText(deployment, name).length
  send(process, 'SIGTERM')
  await until(`${name} to be stopping`, () => logText(deployment, name).slice(before).includes('"msg":"stopping"'))
  const since = performance.now()
  await until('a second to have passed', () => performance.now() - since > 1_000)
  send(process, 'SIGTERM')
  const { code } = await process.exited
  gone.add(process)
  // It ends with 1 as well when its time to stop is up.
  expect(logText(deployment, name).slice(before)).toContain('asked to stop again: ending at once')
  return code
}

function send({ pid }: RunningProcess, signal: NodeJS.Signals): void {
  process.kill(pid, signal)
}

/** Sends the head of a request to post a lead, and waits until the API is reading its body. */
async function beginLead(person: Person): Promise<{ finish(): Promise<number | undefined> }> {
  const body = JSON.stringify({ ...SAMPLE_LEAD, provider_ids: [person.id] })
  const outgoing = request(`${deployment.url}/api/leads`, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${deployment.secrets.adminApiKey}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      // Answered by the server once it has read the head.
      expect: '100-continue',
    },
  })
  const status = new Promise<number | undefined>((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
  })
  // Awaited by `finish`, which a test that fails before may never call.
  status.catch(() => undefined)
  const reading = new Promise((resolve) => outgoing.once('continue', resolve))
  outgoing.flushHeaders()
  await reading
  return {
    finish() {
      outgoing.end(body)
      return status
    },
  }
}
