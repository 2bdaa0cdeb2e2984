import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FaultSwitch } from '../../faults.ts'
import { defaultErrorBody, invalidRequest, StripeApiError } from '../api-error.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { expireDueSessions } from '../ledger/sessions.ts'
import { statusOfError } from '../status-of-error.ts'
import { apiVersion } from '../webhooks/events.ts'
import { authorise } from './auth.ts'
import { decodeForm, type RawObject } from './form.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import { pathOf, queryOf, requestState } from './request-state.ts'

export type ApiDeps = {
  ledger: Ledger
  secretKey: string
  keys: IdempotencyKeys
  /** Failures answered by Stripe itself: remembered under the idempotency key like any first answer. */
  recordedFaults: FaultSwitch
}

/** Authorisation, parameters, idempotency and errors, in Stripe's order, for every route registered on `app` afterwards. */
export function addApiPipeline(app: FastifyInstance, deps: ApiDeps): void {
  app.removeAllContentTypeParsers()
  const readForm = async (_request: FastifyRequest, body: string) => decodeForm(body)
  const refuseOtherBody = async (_request: FastifyRequest, body: string) => {
    if (body !== '') throw invalidRequest('Request bodies must be form-encoded (application/x-www-form-urlencoded).')
    return {}
  }
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, readForm)
  app.addContentTypeParser('*', { parseAs: 'string' }, refuseOtherBody)

  app.addHook('onRequest', async (request) => {
    authorise(request.headers.authorization, deps.secretKey)
    expireDueSessions(deps.ledger)
  })

  app.addHook('preHandler', async (request, reply) => {
    const state = requestState(request)
    state.params = paramsOf(request)
    state.log.params = state.params
    const replay = takeKey(request, deps.keys)
    if (replay !== undefined) {
      state.log.replayed = true
      reply.code(replay.status).header('idempotent-replayed', 'true').header('original-request', replay.requestId)
      return reply.send(replay.body)
    }
    if (request.method === 'POST') reply.raw.once('close', () => releaseKey(request, deps.keys))
    const fault = deps.recordedFaults.take(request.method, pathOf(request))
    if (fault?.kind === 'accept_then_status') state.recordedFault = fault
    else if (fault !== undefined) {
      // Stripe says so itself: a retry under the same key would only be answered with the same failure.
      reply.header('stripe-should-retry', 'false').code(fault.status ?? 500)
      return reply.send(fault.body ?? defaultErrorBody(fault.status ?? 500))
    }
  })

  app.addHook('preSerialization', async (request, reply, body) => {
    const { held, recordedFault, requestId } = requestState(request)
    const answer =
      recordedFault === undefined ? body : (recordedFault.body ?? defaultErrorBody(recordedFault.status ?? 500))
    if (recordedFault !== undefined) {
      reply.header('stripe-should-retry', 'false').code(recordedFault.status ?? 500)
    }
    if (held !== undefined) {
      deps.keys.save(held.key, held.endpoint, held.fingerprint, { status: reply.statusCode, body: answer, requestId })
    }
    return answer
  })

  // Registered after the fault hooks, so that a slow answer keeps its key in use until it goes out.
  app.addHook('onSend', async (request, reply, payload) => {
    releaseKey(request, deps.keys)
    addApiHeaders(request, reply)
    requestState(request).log.status = reply.statusCode
    // An injected failure without a body: the SDK would take an answer without `error` for a success.
    return reply.statusCode >= 400 && payload === '{}' ? JSON.stringify(defaultErrorBody(reply.statusCode)) : payload
  })

  app.setErrorHandler((error, _request, reply) => answerError(error, reply))
  app.setNotFoundHandler((request, reply) =>
    answerError(
      new StripeApiError(404, {
        type: 'invalid_request_error',
        message: `Unrecognized request URL (${request.method}: ${pathOf(request)}).`,
      }),
      reply,
    ),
  )
}

function paramsOf(request: FastifyRequest): RawObject {
  const query = decodeForm(queryOf(request))
  const body = request.body as RawObject | undefined
  return request.method === 'GET' ? query : { ...query, ...body }
}

function takeKey(request: FastifyRequest, keys: IdempotencyKeys) {
  const state = requestState(request)
  if (state.idempotencyKey === null) return undefined
  const endpoint = `${request.method} ${pathOf(request)}`
  const fingerprint = fingerprintOf(state.params)
  const replay = keys.take(state.idempotencyKey, endpoint, fingerprint)
  if (replay === undefined) state.held = { key: state.idempotencyKey, endpoint, fingerprint }
  return replay
}

function releaseKey(request: FastifyRequest, keys: IdempotencyKeys): void {
  const state = requestState(request)
  if (state.held === undefined) return
  keys.release(state.held.key)
  delete state.held
}

function addApiHeaders(request: FastifyRequest, reply: FastifyReply): void {
  const { requestId, idempotencyKey } = requestState(request)
  const asked = request.headers['stripe-version']
  reply.header('request-id', requestId).header('stripe-version', typeof asked === 'string' ? asked : apiVersion)
  if (idempotencyKey !== null) reply.header('idempotency-key', idempotencyKey)
}

function answerError(error: unknown, reply: FastifyReply) {
  if (error instanceof StripeApiError) return reply.code(error.status).send({ error: error.detail })
  const status = statusOfError(error)
  // What breaks inside the emulator must be seen by its developer, who has no other log of it.
  if (status >= 500) process.emitWarning(error instanceof Error ? error : String(error))
  return reply.code(status).send(defaultErrorBody(status))
}

/** The same whatever the order of the parameters. */
function fingerprintOf(params: RawObject): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(params)))
    .digest('hex')
}

function sorted(value: string | RawObject): unknown {
  if (typeof value === 'string') return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)])
}
