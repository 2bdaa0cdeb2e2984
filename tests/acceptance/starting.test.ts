import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { startRedis } from '../../src/sandbox/embedded/redis.ts'
import { launchProgram, type ProgramName } from '../../src/sandbox/product-processes.ts'
import { LOCAL } from '../../src/sandbox/state-location.ts'
import { until } from '../support/until.ts'
import { answerOf } from './admin-api.ts'
import { deploy } from './deployment.ts'
import { logLines, logText } from './logs.ts'
import { newPerson, offer, TEASER } from './people.ts'
import { temporaryState } from './state.ts'

/** Processes start one after the other on a busy machine. */
const START_MS = 40_000
const TEST_MS = 150_000

const REQUIRED = [
  'DATABASE_URL',
  'REDIS_URL',
  'ADMIN_API_KEY',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'TEXTMAGIC_USERNAME',
  'TEXTMAGIC_API_KEY',
  'ENCRYPTION_KEYS',
]

/** Each is malformed; those that are secrets are recognisable should one be printed. */
const MALFORMED = {
  DATABASE_URL: 'mysql://hidden-user:hidden-password@db/x',
  REDIS_URL: 'http://:hidden-redis@cache',
  PORT: 'hidden-port',
  PUBLIC_URL: 'hidden-url',
  ADMIN_API_KEY: 'hidden1',
  OPERATOR_API_KEY: 'hidden2',
  STRIPE_SECRET_KEY: 'pk_hidden_stripe',
  STRIPE_WEBHOOK_SECRET: 'hidden webhook',
  STRIPE_API_URL: 'hidden-url',
  TEXTMAGIC_USERNAME: 'hidden user',
  TEXTMAGIC_API_KEY: 'hidden key',
  TEXTMAGIC_FROM_NUMBER: 'hidden-number',
  TEXTMAGIC_API_URL: 'hidden-url',
  TEXTMAGIC_WEBHOOK_TOKEN: 'hidden token',
  TEXTMAGIC_RATE_PER_SECOND: '0',
  ENCRYPTION_KEYS: 'k1:hiddenkeyhiddenkey',
  FALLBACK_SMS_WEBHOOK_URL: 'hidden-url',
  OPS_ALERT_WEBHOOK_URL: 'hidden-url',
  LATE_PAYMENT: 'hidden',
  REVEAL_CONFIRM_MINUTES: '-1',
  SWEEP_SECONDS: 'hidden',
  BACKFILL_MINUTES: 'hidden',
  LOG_LEVEL: 'hidden',
  QUIET_HOURS: 'hidden',
  DEFAULT_PRICE_CENTS: '1.5',
  DEFAULT_CURRENCY: 'hidden',
  DEFAULT_TTL_HOURS: 'hidden',
  WORKER_CONCURRENCY: 'hidden',
}

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

test.for([
  ['api', REQUIRED],
  ['worker', REQUIRED],
  ['migrate', ['DATABASE_URL']],
] as const)(
  '%s started without its environment ends with 1 and lists everything that is missing',
  async ([program, variables]) => {
    const { code, output } = await runToEnd(program, {})
    expect(code).toBe(1)
    expect(output).toContain(
      `${variables.length === 1 ? '1 problem' : `${variables.length} problems`} in the environment`,
    )
    for (const variable of variables)
      expect(output).toMatch(new RegExp(`^ {2}${variable} is missing; expected .+`, 'm'))
    expect(output).not.toMatch(/^\s+at /m)
  },
)

test.for(['api', 'worker'] as const)(
  '%s started with a malformed environment ends with 1, lists every problem, and shows no value',
  async (program) => {
    const { code, output } = await runToEnd(program, MALFORMED)
    expect(code).toBe(1)
    for (const variable of Object.keys(MALFORMED)) {
      expect(output).toMatch(new RegExp(`^ {2}${variable} is malformed(: .+)?; expected .+`, 'm'))
    }
    expect(output).not.toContain('hidden')
  },
)

test('five migrations started at once migrate once; before them a worker refuses and an API is not ready', {
  timeout: TEST_MS,
}, async () => {
  const deployment = await deploy({ bare: true })
  undo.push(deployment.close)
  const { dir, env, url } = deployment
  const api = await launchProgram('api', { dir, env })
  undo.push(() => api.stop())
  const get = async (path: string) => answerOf(await fetch(`${url}${path}`))
  await until('the API to listen', () => logText(deployment, 'api').includes('"msg":"listening"'), undefined, START_MS)
  expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'alive' } })
  expect(await get('/readyz')).toMatchObject({
    status: 503,
    contentType: expect.stringContaining('application/problem+json'),
    body: { checks: { database: 'ok', migrations: 'pending', redis: 'ok' } },
  })
  await expect(deployment.startWorker('early')).rejects.toThrow(/npm run migrate/)
  expect(logLines(deployment, 'early').at(-1)).toMatchObject({ level: 'fatal', msg: 'could not start' })

  const names = Array.from({ length: 5 }, (_, index) => `migrate-${index + 1}`)
  const runs = await Promise.all(names.map((name) => launchProgram('migrate', { dir, env }, name)))
  for (const run of runs) expect(await run.exited).toMatchObject({ code: 0 })
  const lines = names.flatMap((name) => logLines(deployment, name))
  const migrated = lines.filter(({ msg }) => msg === 'migrated').map(({ migration }) => migration)
  expect(migrated.length).toBeGreaterThan(0)
  expect(new Set(migrated).size).toBe(migrated.length)
  const counts = lines.filter(({ msg }) => msg === 'the schema is up to date').map(({ count }) => count)
  expect(counts.sort()).toEqual([0, 0, 0, 0, migrated.length])

  expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
  await deployment.startWorker()
  const amy = await newPerson(deployment)
  await offer(deployment, [amy])
  await amy.gets(TEASER)
})

test('with a Redis that may throw jobs away, neither API nor worker goes on', { timeout: TEST_MS }, async () => {
  const deployment = await deploy({ bare: true })
  undo.push(deployment.close)
  await deployment.migrate()
  const { dir } = deployment
  const server = await startRedis({ dir, cacheDir: LOCAL, ephemeral: true, log: () => undefined })
  undo.push(() => server.stop())
  const redis = new Redis(server.url)
  undo.push(() => redis.disconnect())
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')

  const env = { ...deployment.env, REDIS_URL: server.url }
  for (const program of ['api', 'worker'] as const) {
    const started = await launchProgram(program, { dir, env })
    expect((await started.exited).code).toBe(1)
    const fatal = logLines(deployment, program).find(({ level }) => level === 'fatal')
    expect(fatal.err).toMatchObject({ code: 'redis_evicts', message: expect.stringContaining('noeviction') })
  }
})

test('a worker that waits for Redis at its start ends on a signal, with 0', { timeout: TEST_MS }, async () => {
  const deployment = await deploy({ bare: true })
  undo.push(deployment.close)
  await deployment.migrate()
  const { dir } = deployment
  const worker = await launchProgram('worker', { dir, env: { ...deployment.env, REDIS_URL: 'redis://127.0.0.1:1' } })
  undo.push(() => worker.stop())
  const waits = () => logText(deployment, 'worker').includes('Redis is away')
  await until('the worker to wait for Redis', waits, undefined, START_MS)
  process.kill(worker.pid, 'SIGTERM')
  expect((await worker.exited).code).toBe(0)
})

/** Runs a program with this environment alone. @returns how it ended and everything it wrote */
async function runToEnd(program: ProgramName, env: Record<string, string>) {
  const state = await temporaryState()
  undo.push(() => state.close())
  const started = await launchProgram(program, { dir: state.dir, env })
  const { code } = await started.exited
  return { code, output: logText(state, program) }
}
