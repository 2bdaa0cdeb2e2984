import { expect, it } from 'vitest'
import { problemFor } from '../../../src/api/errors.ts'
import { ProblemError, problemOf } from '../../../src/api/problem.ts'
import { IdempotencyConflictError } from '../../../src/db/leads/idempotency.ts'

const coded = (facts: Record<string, unknown>) => Object.assign(new Error('secret'), facts)

it.each([
  [new ProblemError('phone-taken'), 409, 'phone-taken'],
  [new IdempotencyConflictError(), 409, 'idempotency-conflict'],
  [coded({ statusCode: 400 }), 400, 'invalid-request'],
  [coded({ statusCode: 404 }), 404, 'not-found'],
  [coded({ statusCode: 413 }), 413, 'too-large'],
  [coded({ statusCode: 415 }), 415, 'unsupported-media-type'],
  [coded({ statusCode: 503 }), 503, 'unavailable'],
  // A caller who goes away, and a database that does.
  [coded({ statusCode: 400, code: 'ECONNRESET' }), 400, 'invalid-request'],
  [coded({ code: 'ECONNRESET' }), 503, 'unavailable'],
  [new Error('Command timed out'), 503, 'unavailable'],
  [coded({ code: '22003' }), 422, 'unacceptable'],
  [coded({ code: '23505' }), 500, 'internal'],
  [coded({ statusCode: 500 }), 500, 'internal'],
  [new TypeError('secret'), 500, 'internal'],
  ['secret', 500, 'internal'],
])('%s is answered %i %s, without its own words', (error, status, code) => {
  const problem = problemFor(error)
  expect(problem).toMatchObject({ status, code })
  expect(JSON.stringify(problemOf(problem, '/api/leads', 'r1'))).not.toContain('secret')
})
