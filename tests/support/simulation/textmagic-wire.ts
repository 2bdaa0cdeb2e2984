import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { Dispatcher } from 'undici'
import type { SimulatedClock } from './clock.ts'
import type { Fate, Network } from './network.ts'
import { operation } from './tasks.ts'

type Request = { method: 'GET' | 'POST'; url: string; payload: string | undefined; headers: Record<string, string> }
type Answer = { status: number; body: string }

/** Carries the requests of the product's HTTP client to the emulator, as well or badly as the network does. */
export class TextMagicWire extends Dispatcher {
  readonly #app: FastifyInstance
  readonly #network: Network
  readonly #clock: SimulatedClock
  readonly #onSend: (reference: number) => Promise<void>
  #late: { at: number; request: Request }[] = []

  constructor(
    app: FastifyInstance,
    network: Network,
    clock: SimulatedClock,
    onSend: (reference: number) => Promise<void>,
  ) {
    super()
    this.#app = app
    this.#network = network
    this.#clock = clock
    this.#onSend = onSend
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const request: Request = {
      method: options.method === 'POST' ? 'POST' : 'GET',
      url: options.path,
      payload: typeof options.body === 'string' ? options.body : undefined,
      headers: options.body === undefined || options.body === null ? {} : { 'content-type': 'application/json' },
    }
    const writes = request.method === 'POST'
    const label = `textmagic ${request.method} ${request.url.split('?')[0]?.replace(/^\/api\/v2/, '')}`
    void answer(handler, {
      connect: () => operation(`${label} connects`, async () => undefined),
      // Not between the last look at the claim's deadline and the write: a process frozen exactly there is the one window that
      // the ledger leaves open (docs/decisions/002-message-ledger.md), and a slow network is a fate of its own.
      exchange: () => operation(label, () => this.#exchange(request, writes), { parkBefore: !writes }),
    })
    return true
  }

  override async close(): Promise<void> {
    this.#late = []
  }

  /** Requests that their sender has given up take effect. */
  async settle(): Promise<void> {
    const due = this.#late.filter(({ at }) => at <= this.#clock.now)
    this.#late = this.#late.filter(({ at }) => at > this.#clock.now)
    for (const { request } of due) await this.#deliver(request)
  }

  async #exchange(request: Request, writes: boolean): Promise<Answer> {
    if (request.url === '/api/v2/messages' && writes) await this.#onSend(referenceOf(request))
    const fate = this.#network.fateOf('textmagic', writes)
    if (fate.type === 'late') this.#late.push({ at: this.#clock.now + fate.afterMs, request })
    const done =
      fate.type === 'ok' || fate.type === 'answer_lost' || fate.type === 'wrong_answer'
        ? await this.#deliver(request)
        : undefined
    this.#network.pass(fate)
    return answerOf(fate, done)
  }

  async #deliver({ method, url, payload, headers }: Request): Promise<Answer> {
    const response: LightMyRequestResponse = await this.#app.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    })
    if (response.statusCode >= 500) throw new Error(`the TextMagic emulator failed: ${response.body}`)
    return { status: response.statusCode, body: response.body }
  }
}

function referenceOf({ payload = '{}' }: Request): number {
  return Number(JSON.parse(payload).referenceId)
}

function answerOf(fate: Fate, done: Answer | undefined): Answer {
  switch (fate.type) {
    case 'ok':
      return done ?? { status: 500, body: '{}' }
    case 'wrong_answer':
      return { status: 500, body: '{"code":500,"message":"Internal Server Error"}' }
    case 'refused':
      return { status: fate.status, body: '{}' }
    case 'unreachable':
      throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED', syscall: 'connect' })
    case 'answer_lost':
      throw Object.assign(new Error('closed'), { code: 'UND_ERR_SOCKET' })
    case 'lost':
    case 'late':
      throw Object.assign(new Error('timeout'), { name: 'TimeoutError' })
  }
}

type Wire = { connect(): Promise<void>; exchange(): Promise<Answer> }

/** Tells the handler what undici would, in its order: what `onRequestStart` throws keeps the request from being written. */
async function answer(handler: Dispatcher.DispatchHandler, { connect, exchange }: Wire): Promise<void> {
  const controller = {
    aborted: false,
    paused: false,
    reason: null,
    abort: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
  }
  try {
    await connect()
    handler.onRequestStart?.(controller, undefined)
    const { status, body } = await exchange()
    handler.onResponseStart?.(controller, status, { 'content-type': 'application/json' }, '')
    handler.onResponseData?.(controller, Buffer.from(body))
    handler.onResponseEnd?.(controller, {})
  } catch (error) {
    handler.onResponseError?.(controller, error instanceof Error ? error : new Error('unknown'))
  }
}
