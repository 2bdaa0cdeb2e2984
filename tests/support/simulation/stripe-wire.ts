import type { FastifyInstance } from 'fastify'
import type Stripe from 'stripe'
import type { FaultSwitch } from '../../../src/sandbox/faults.ts'
import type { Fate, Network } from './network.ts'
import type { Random } from './random.ts'
import { operation } from './tasks.ts'

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>

export type StripeWireOptions = {
  app: FastifyInstance
  network: Network
  random: Random
  /** Failures that Stripe remembers under the idempotency key. */
  recordedFaults: FaultSwitch
}

/** An HTTP client for Stripe's SDK that carries requests to the emulator, as well or badly as the network does. */
export function stripeWire(options: StripeWireOptions): HttpClient {
  const makeRequest: HttpClient['makeRequest'] = (_host, _port, path, method, headers, body) => {
    const label = `stripe ${method} ${path
      .split('?')[0]
      ?.replace(/^\/v1/, '')
      .replace(/_\w{10,}/, '')}`
    const request = { method, path, headers: headers as Record<string, string>, body }
    return operation(label, () => exchange(options, request))
  }
  return { getClientName: () => 'simulated', makeRequest }
}

type Request = { method: string; path: string; headers: Record<string, string>; body: string }

async function exchange({ app, network, random, recordedFaults }: StripeWireOptions, request: Request) {
  const writes = request.method === 'POST'
  const fate = fateOf(network, random, writes)
  if (fate.type === 'recorded') recordedFaults.add({ kind: fate.kind, status: 500 })
  const reaches = !['unreachable', 'refused', 'lost', 'in_flight'].includes(fate.type)
  const answered = reaches ? await inject(app, request) : undefined
  network.pass(fate.type === 'recorded' || fate.type === 'in_flight' ? { type: 'ok' } : fate)
  recordedFaults.clear()
  return response(fate, answered)
}

type StripeFate = Fate | { type: 'recorded'; kind: 'status' | 'accept_then_status' } | { type: 'in_flight' }

/** Besides what a network does: failures of Stripe's own that it repeats, and keys that are still in use. */
function fateOf(network: Network, random: Random, writes: boolean): StripeFate {
  const fate = network.fateOf('stripe', writes)
  if (fate.type === 'ok' || !writes || !random.chance(0.5)) return fate
  return random.weighted<StripeFate>([
    [2, { type: 'recorded', kind: 'status' }],
    [2, { type: 'recorded', kind: 'accept_then_status' }],
    [1, { type: 'in_flight' }],
  ])
}

async function inject(app: FastifyInstance, { method, path, headers, body }: Request) {
  const answered = await app.inject({
    method: method === 'POST' ? 'POST' : 'GET',
    url: path,
    headers,
    ...(method === 'POST' ? { payload: body } : {}),
  })
  return { status: answered.statusCode, headers: answered.headers as Record<string, string>, body: answered.body }
}

type Answered = Awaited<ReturnType<typeof inject>>

function response(fate: StripeFate, answered: Answered | undefined) {
  switch (fate.type) {
    case 'ok':
    case 'recorded':
      return sdkResponse(answered ?? failure(500, 'api_error'))
    case 'wrong_answer':
      return sdkResponse(failure(500, 'api_error'))
    case 'refused':
      return sdkResponse(failure(fate.status, fate.status === 429 ? 'rate_limit_error' : 'api_error'))
    case 'in_flight':
      return sdkResponse(failure(409, 'idempotency_error'))
    case 'unreachable':
      throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect' })
    default:
      throw Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })
  }
}

function failure(status: number, type: string): Answered {
  return { status, headers: {}, body: JSON.stringify({ error: { type, message: 'simulated' } }) }
}

function sdkResponse({ status, headers, body }: Answered) {
  return {
    getStatusCode: () => status,
    getHeaders: () => headers,
    getRawResponse: () => ({}),
    toStream: () => {
      throw new Error('nothing is streamed')
    },
    toJSON: async () => JSON.parse(body),
  } as unknown as Awaited<ReturnType<HttpClient['makeRequest']>>
}
