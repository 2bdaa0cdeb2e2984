import type { FastifyRequest } from 'fastify'
import type { Fault } from '../../faults.ts'
import { newId } from '../ledger/ids.ts'
import type { RawObject } from './form.ts'
import type { LoggedRequest } from './request-log.ts'

/** What the hooks of one API request tell each other. */
export type RequestState = {
  requestId: string
  idempotencyKey: string | null
  params: RawObject
  log: LoggedRequest
  /** Set when this request holds its idempotency key, and must save its answer and release it. */
  held?: { key: string; endpoint: string; fingerprint: string }
  /** The fault to answer, and to remember under the key, after doing what was asked. */
  recordedFault?: Fault
}

const states = new WeakMap<FastifyRequest, RequestState>()

/** Starts following a request; `at` is the emulator's time. */
export function startRequest(request: FastifyRequest, at: Date): RequestState {
  const header = request.headers['idempotency-key']
  const idempotencyKey = request.method === 'POST' && typeof header === 'string' && header !== '' ? header : null
  const requestId = newId('req', 14)
  const log: LoggedRequest = {
    at: at.toISOString(),
    request_id: requestId,
    method: request.method,
    path: pathOf(request),
    idempotency_key: idempotencyKey,
    params: {},
    status: null,
    replayed: false,
  }
  const state = { requestId, idempotencyKey, params: {}, log }
  states.set(request, state)
  return state
}

export function requestState(request: FastifyRequest): RequestState {
  const state = states.get(request)
  if (state === undefined) throw new Error('the request did not come through the API hooks')
  return state
}

export function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? request.url
}

export function queryOf(request: FastifyRequest): string {
  const mark = request.url.indexOf('?')
  return mark < 0 ? '' : request.url.slice(mark + 1)
}
