import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Operation, operationsOf } from '../support/fuzz/document.ts'
import { type FuzzRequest, requestsTo } from '../support/fuzz/requests.ts'
import { LOCKED_MARK } from '../support/fuzz/values.ts'
import { type FuzzAnswer, faultsOf } from '../support/fuzz/verdict.ts'
import { type Harness, STRIPE_SECRET, startHarness, TOKEN } from './api-harness.ts'
import { populate, type World } from './fuzz-world.ts'

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 2_000)
/** The suite asks the same each time; `FUZZ_SEED=random` draws one. */
const SEED = process.env.FUZZ_SEED === 'random' ? Date.now() % 2 ** 31 : Number(process.env.FUZZ_SEED ?? 20_261_125)
/** Requests under way side by side: most of the time goes into waiting for Postgres. */
const AT_ONCE = 8
const TIMEOUT_MS = 60_000 + REQUESTS * 60

let api: Harness
let world: World
let operations: Operation[]
let secrets: string[]
beforeAll(async () => {
  api = await startHarness()
  world = await populate(api)
  operations = operationsOf((await api.inject({ method: 'GET', url: '/docs/json' })).body)
  secrets = [...world.keys.values(), STRIPE_SECRET, TOKEN]
})
afterAll(() => api.close())

let asked = 0
/** Each from an address of its own, so that failures are not all answered alike. */
const freshAddress = () => {
  asked += 1
  return `10.${(asked >> 16) & 255}.${(asked >> 8) & 255}.${asked & 255}`
}

async function send(request: FuzzRequest): Promise<FuzzAnswer> {
  const { operation, body } = request
  const payload = body?.payload
  const { url, headers } = authenticated(request, Buffer.from(payload ?? ''))
  const options: InjectOptions = {
    method: operation.method,
    url,
    remoteAddress: freshAddress(),
    headers: { ...request.headers, ...headers, ...(body?.type == null ? {} : { 'content-type': body.type }) },
    ...(payload === undefined ? {} : { payload }),
  }
  return api.inject(options)
}

const ODD_CREDENTIALS = [
  'Bearer',
  'Bearer ',
  'Basic YTpi',
  'Bearer a b',
  `Bearer ${'x'.repeat(5_000)}`,
  'Bearer \u00ff',
  '{}',
]

/** What the caller presents, in the way that the call asks for. */
function authenticated({ operation, caller, url }: FuzzRequest, payload: Buffer) {
  const odd = ODD_CREDENTIALS[asked % ODD_CREDENTIALS.length] ?? ''
  const isRight = caller === 'admin' || caller === 'operator' || caller === 'intake'
  if (operation.guard === 'webhookToken') {
    const token = isRight ? TOKEN : caller === 'nobody' ? null : odd
    return {
      url: token === null ? url : `${url}${url.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`,
      headers: {},
    }
  }
  if (operation.guard === 'stripeSignature') {
    if (caller === 'nobody') return { url, headers: {} }
    const at = Math.floor(Date.now() / 1000)
    const hmac = createHmac('sha256', isRight ? STRIPE_SECRET : 'whsec_wrong')
    const signature = `t=${at},v1=${hmac.update(`${at}.`).update(payload).digest('hex')}`
    return { url, headers: { 'stripe-signature': caller === 'odd' ? odd : signature } }
  }
  if (caller === 'nobody') return { url, headers: {} }
  const key = world.keys.get(caller) ?? 'wrong'
  return { url, headers: { authorization: caller === 'odd' ? odd : `Bearer ${key}` } }
}

it('no request is answered with a failure of ours, undeclared, or with anything that must not be seen, nor logged so', {
  timeout: TIMEOUT_MS,
}, async () => {
  process.stdout.write(`fuzzing with FUZZ_SEED=${SEED} FUZZ_REQUESTS=${REQUESTS}\n`)
  const requests = fc.oneof(...operations.map((operation) => requestsTo(operation, world.known)))
  const seen = new Map<string, Set<number>>()
  /** The first request that shows each fault: one cause shows in many requests. */
  const faults = new Map<string, string>()
  const waiting = fc.sample(requests, { seed: SEED, numRuns: REQUESTS }).values()
  const sendAll = async () => {
    for (const request of waiting) {
      const { name } = request.operation
      const answer = await send(request)
      seen.set(name, (seen.get(name) ?? new Set()).add(answer.status))
      for (const fault of faultsOf(request, answer, secrets)) {
        if (!faults.has(`${name} ${fault}`)) faults.set(`${name} ${fault}`, describe(request, answer))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, sendAll))
  expect(Object.fromEntries(faults)).toEqual({})
  // Requests that never get as far as the handler would prove little.
  const unreached = operations.filter(({ name }) => ![200, 201, 204].some((status) => seen.get(name)?.has(status)))
  expect(unreached.map(({ name }) => `${name}: ${[...(seen.get(name) ?? [])]}`)).toEqual([])
  const log = api.log.join('')
  expect(log.match(/"level":"(?:error|fatal)".*/g)).toBeNull()
  for (const secret of [...secrets, LOCKED_MARK]) expect(log).not.toContain(secret)
})

function describe({ operation, caller, url, headers, body }: FuzzRequest, { status, text }: FuzzAnswer): string {
  const sent = body === null ? null : { type: body.type, payload: body.payload.toString().slice(0, 300) }
  const call = { method: operation.method, url: url.slice(0, 300), caller, headers, body: sent }
  return `${JSON.stringify(call)} → ${status} ${text.slice(0, 300)}`
}

it('a call that the document does not know is answered 404, whatever its method', async () => {
  // A path may be an instance of another's pattern: a provider may be called `import`.
  const isDocumented = (method: string, url: string) =>
    operations.some((one) => one.method === method && patternOf(one.path).test(url))
  for (const path of new Set(operations.map((operation) => operation.path))) {
    for (const method of ['PATCH', 'DELETE', 'PUT', 'POST', 'OPTIONS', 'TRACE'] as const) {
      const url = path.replaceAll(/\{\w+\}/g, '1')
      if (isDocumented(method, url)) continue
      const headers = { authorization: `Bearer ${world.keys.get('admin')}`, 'content-type': 'application/json' }
      const answer = await api.inject({ method, url, headers, remoteAddress: freshAddress(), payload: '{}' })
      expect({ method, path, status: answer.status }).toEqual({ method, path, status: 404 })
      expect(answer.body.status).toBe(404)
    }
  }
})

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
}
