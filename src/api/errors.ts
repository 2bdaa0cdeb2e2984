import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ErasureRefusedError } from '../db/erasure/erasure.ts'
import { IdempotencyConflictError } from '../db/leads/idempotency.ts'
import { ContactErasedError } from '../db/leads/leads.ts'
import { NotAllowedError } from '../db/unlocks/operations.ts'
import { databaseTrouble } from './database-errors.ts'
import { malformed, PROBLEM_CONTENT_TYPE, type ProblemCode, ProblemError, problemOf } from './problem.ts'
import { isRedisAway } from './redis-errors.ts'
import { fieldErrors } from './validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What it was refused with; null while nothing went wrong. */
    problem: ProblemCode | null
  }
}

/** Seconds after which a client may try again when something of ours is away. */
const RETRY_AFTER_SECONDS = 5

/** Answers whatever went wrong as a problem. An internal error is logged and never shown. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  extension: object = {},
): FastifyReply {
  const problem = problemFor(error)
  // Nothing went wrong, and it would be a line for each request when there is the least time for it.
  const isOurFault = problem.status >= 500 && problem.code !== 'overloaded'
  if (isOurFault) request.log.error({ err: error, operation: 'answer' }, problem.code)
  return answerWith(problem, reply)
    .type(PROBLEM_CONTENT_TYPE)
    .send({ ...problemOf(problem, request.url, request.id), ...extension })
}

/**
 * Answers what went wrong on the queue board: a problem like any other, with the two fields that the board's page shows
 * to its reader.
 */
export function answerBoardError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { title, detail } = problemOf(problemFor(error), request.url, request.id)
  return answerError(error, request, reply, { error: title, ...(detail === undefined ? {} : { message: detail }) })
}

/** Answers a path that the router could not read. No hook runs for it: what they add to each answer is added here. */
export function answerUnreadablePath(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' })
  const answered = answerError(error, request, reply)
  request.log.info(
    {
      operation: 'request',
      method: request.method,
      path: 'unreadable',
      status: reply.statusCode,
      error_code: request.problem,
    },
    'answered',
  )
  return answered
}

export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return answerError(new ProblemError('not-found', 'No such resource'), request, reply)
}

/** Sets the status of a problem, and when to try again; its code is for the log. */
export function answerWith(problem: ProblemError, reply: FastifyReply): FastifyReply {
  reply.request.problem = problem.code
  const retryAfter = problem.retryAfterSeconds ?? (problem.status === 503 ? RETRY_AFTER_SECONDS : null)
  if (retryAfter !== null) reply.header('retry-after', retryAfter)
  return reply.code(problem.status)
}

/** @returns what an error is for the client; nothing of an internal one */
export function problemFor(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof IdempotencyConflictError) return new ProblemError('idempotency-conflict')
  if (error instanceof ContactErasedError) return new ProblemError('contact-erased')
  if (error instanceof NotAllowedError || error instanceof ErasureRefusedError) {
    return new ProblemError('not-allowed-now', error.message)
  }
  const { validation, validationContext, statusCode, code } = asFastifyError(error)
  if (validation !== undefined) return malformed(...fieldErrors(validation, validationContext ?? 'body'))
  if (statusCode === 413) return new ProblemError('too-large')
  if (statusCode === 415) return new ProblemError('unsupported-media-type')
  // No route takes QUERY, and the framework asks for its content type before it says so.
  if (statusCode === 404 || code === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE') return new ProblemError('not-found')
  // Thrown while the server stops: what it has not begun, another process does.
  if (statusCode === 503) return new ProblemError('unavailable')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ProblemError('invalid-request', DETAILS[code ?? ''] ?? 'The body is not valid JSON')
  }
  // Only now: a caller who goes away resets a connection as well, and the framework says with a status that it was theirs.
  const trouble = databaseTrouble(error)
  if (trouble === 'away' || isRedisAway(error)) return new ProblemError('unavailable')
  if (trouble === 'value') return new ProblemError('unacceptable', 'A value is out of range')
  return new ProblemError('internal')
}

/** What the framework's own refusals mean to whoever sent the request. */
const DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The path is not valid',
  FST_ERR_MAX_PARAM_LENGTH: 'The path is too long',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its headers say',
}

function asFastifyError(error: unknown): Partial<FastifyError> {
  return error instanceof Error ? error : {}
}
