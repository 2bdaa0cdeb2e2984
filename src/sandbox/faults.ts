import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * What an emulated gateway is told to do wrong.
 * - `status`: answer with this status without doing anything.
 * - `hang`: never answer, and do nothing.
 * - `drop`: close the connection without doing anything.
 * - `accept_then_*`: do what was asked, then answer the status, hang, or drop the connection.
 * - `slow`: do what was asked, answering `delay_ms` later.
 */
export type FaultKind =
  | 'status'
  | 'hang'
  | 'drop'
  | 'accept_then_status'
  | 'accept_then_hang'
  | 'accept_then_drop'
  | 'slow'

export type Fault = {
  kind: FaultKind
  /** HTTP method it applies to; any when absent. */
  method?: string
  /** Prefix of the request path it applies to, e.g. `/api/v2/messages`; any when absent. */
  path?: string
  /** Status for `status` and `accept_then_status`; 500 when absent. */
  status?: number
  /** JSON body sent with that status. */
  body?: unknown
  /** How many requests it applies to; 1 when absent, `null` until cleared. */
  times?: number | null
  /** Milliseconds, for `slow`. */
  delay_ms?: number
  /** Share of the matching requests it applies to, 0 to 1; all when absent. */
  probability?: number
}

/** The faults an emulator has been told to inject, first match first. */
export class FaultSwitch {
  readonly #random: () => number
  #faults: Fault[] = []

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  add(fault: Fault): void {
    this.#faults.push({ ...fault, times: fault.times === undefined ? 1 : fault.times })
  }

  clear(): void {
    this.#faults = []
  }

  list(): readonly Fault[] {
    return this.#faults
  }

  /** The fault for this request, used up by one, or undefined. */
  take(method: string, path: string): Fault | undefined {
    const fault = this.#faults.find(
      (candidate) =>
        (candidate.method === undefined || candidate.method === method) &&
        (candidate.path === undefined || path.startsWith(candidate.path)) &&
        (candidate.probability === undefined || this.#random() < candidate.probability),
    )
    if (fault?.times != null) {
      fault.times -= 1
      if (fault.times <= 0) this.#faults = this.#faults.filter((other) => other !== fault)
    }
    return fault
  }
}

// Refuses a misspelt fault, which would otherwise make a fault test pass because nothing went wrong.
const faultSchema = {
  type: 'object',
  required: ['kind'],
  additionalProperties: false,
  properties: {
    kind: { enum: ['status', 'hang', 'drop', 'accept_then_status', 'accept_then_hang', 'accept_then_drop', 'slow'] },
    method: { type: 'string' },
    path: { type: 'string' },
    status: { type: 'integer', minimum: 200, maximum: 599 },
    body: {},
    times: { type: ['integer', 'null'], minimum: 1 },
    delay_ms: { type: 'integer', minimum: 0 },
    probability: { type: 'number', minimum: 0, maximum: 1 },
  },
}

const pending = new WeakMap<FastifyRequest, Fault>()

/**
 * Injects the switch's faults into every route of `app` registered after this call, except those under `/_control`,
 * and lets other processes steer it: `GET|POST|DELETE /_control/faults`. An app whose connections may hang must be made
 * with `forceCloseConnections: true`, or closing it waits for them.
 */
export function injectFaults(app: FastifyInstance, faults: FaultSwitch): void {
  app.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?')[0] ?? request.url
    if (path.startsWith('/_control')) return
    const fault = faults.take(request.method, path)
    if (fault === undefined) return
    if (fault.kind.startsWith('accept_then_') || fault.kind === 'slow') pending.set(request, fault)
    else return misbehave(fault, request, reply)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const fault = pending.get(request)
    if (fault === undefined) return payload
    pending.delete(request)
    if (fault.kind === 'slow') {
      await delay(fault.delay_ms ?? 0)
      return payload
    }
    if (fault.kind === 'accept_then_status') {
      reply.code(fault.status ?? 500).header('content-type', 'application/json')
      reply.removeHeader('content-length')
      return JSON.stringify(fault.body ?? {})
    }
    // Over as far as Fastify is concerned, or an answer sent from a hook would be followed by the handler.
    reply.hijack()
    if (fault.kind === 'accept_then_drop') request.raw.socket.destroy()
    // A hook that never settles is the only way to keep Fastify from writing an answer it already has.
    return new Promise(() => undefined)
  })
  app.get('/_control/faults', async () => faults.list())
  app.post<{ Body: Fault }>('/_control/faults', { schema: { body: faultSchema } }, async (request, reply) => {
    faults.add(request.body)
    return reply.code(204).send()
  })
  app.delete('/_control/faults', async (_request, reply) => {
    faults.clear()
    return reply.code(204).send()
  })
}

function misbehave(fault: Fault, request: FastifyRequest, reply: FastifyReply) {
  if (fault.kind === 'status') return reply.code(fault.status ?? 500).send(fault.body ?? {})
  reply.hijack()
  if (fault.kind === 'drop') request.raw.socket.destroy()
  return reply
}
