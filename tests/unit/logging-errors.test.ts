import { UniqueConstraintViolationException, ValidationError } from '@mikro-orm/core'
import Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { createLogger, describeError } from '../../src/logging.ts'
import { FinalError } from '../../src/workers/errors.ts'

const NAME = 'Sarah Johnson'
const PHONE = '+13055550100'
const EMAIL = 'sarah.johnson@email.com'
const STREET = '123 Ocean Drive'

/** What a logger writes about an error, with and without a message of its own, and as the cause of another. */
function logged(error: unknown): Record<string, unknown>[] {
  const lines: string[] = []
  const log = createLogger({ name: 'worker', level: 'info', destination: { write: (line) => lines.push(line) } })
  log.error({ err: error }, 'job attempt failed')
  log.error({ err: error })
  if (error instanceof Error) log.error(error)
  log.child({ err: error }).error('in a child')
  log.error({ err: new AggregateError([error], 'several') }, 'several')
  log.error({ err: new Error('outer', { cause: error }) }, 'caused')
  for (const line of lines) for (const value of [NAME, 'Sarah', PHONE, EMAIL, STREET]) expect(line).not.toContain(value)
  return lines.map((line) => JSON.parse(line))
}

const errOf = (error: unknown): unknown => logged(error)[0]?.err

describe('an error in the log', () => {
  test('of our own shows its class, code, message and where it was thrown', () => {
    const error = new FinalError('reveal_refused')
    expect(errOf(error)).toMatchObject({ type: 'FinalError', code: 'reveal_refused', message: 'reveal_refused' })
    expect(describeError(error).stack).toMatch(/^ {4}at .*logging-errors\.test\.ts:\d+:\d+/)
  })

  test('of the database shows its code and constraint, not the row', () => {
    const row = { severity: 'ERROR', code: '23505', constraint: 'providers_phone_unique', table: 'providers' }
    const cause = Object.assign(new Error(`duplicate key value, "${NAME}"`), {
      ...row,
      name: 'error',
      detail: `Key (phone)=(${PHONE}) already exists.`,
      query: `insert into providers values ('${NAME}')`,
      parameters: [NAME, PHONE],
    })
    const error = new UniqueConstraintViolationException(cause)
    expect(errOf(error)).toMatchObject({ type: 'UniqueConstraintViolationException', ...row })
    expect(errOf(error)).not.toHaveProperty('message')
  })

  test('of the mapper does not show the entity', () => {
    const entity = { client_name: NAME, client_phone: PHONE, exact_address: STREET }
    expect(errOf(ValidationError.fromWrongPropertyType(entity, 'city', 'string', 'number', NAME))).toMatchObject({
      type: 'ValidationError',
    })
    expect(errOf(new Error(`Lead not found ({ client_name: '${NAME}' })`))).toMatchObject({
      message: 'Lead not found ([…])',
    })
  })

  test('of a parser does not show the text it choked on', () => {
    const parse = (text: string) => {
      try {
        JSON.parse(text)
      } catch (error) {
        return error
      }
      throw new Error('parsed')
    }
    expect(errOf(parse(NAME))).toMatchObject({ type: 'SyntaxError' })
    expect(errOf(parse(`{"client_name":"${NAME}","at":${STREET}}`))).toMatchObject({ type: 'SyntaxError' })
  })

  test('of Node does not show the argument it refused', () => {
    const error = Object.assign(new TypeError(`The "path" argument is invalid. Received '${NAME}'`), {
      code: 'ERR_INVALID_ARG_VALUE',
    })
    expect(errOf(error)).toMatchObject({ type: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: 'The […]' })
  })

  test('of the network shows the address that refused', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    })
    expect(errOf(error)).toMatchObject({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:6379' })
  })

  test("of Stripe shows its code and request, not the answer's body", () => {
    const error = Stripe.errors.StripeError.generate({
      type: 'invalid_request_error',
      code: 'email_invalid',
      message: `Invalid email address: ${EMAIL}`,
      param: 'customer_email',
      requestId: 'req_123',
      statusCode: 400,
      headers: { authorization: EMAIL },
    })
    expect(errOf(error)).toMatchObject({
      type: 'StripeInvalidRequestError',
      code: 'email_invalid',
      message: 'Invalid email address: [masked]',
      param: 'customer_email',
      requestId: 'req_123',
      statusCode: 400,
    })
  })

  test('shows its causes, and the parts of several errors, by the same rules', () => {
    const inner = Object.assign(new Error(`to ${PHONE}`), { code: 'timeout' })
    expect(describeError(new Error('outer', { cause: inner }))).toMatchObject({
      message: 'outer',
      cause: { code: 'timeout', message: 'to [masked]' },
    })
    expect(describeError(new AggregateError([inner], 'all failed'))).toMatchObject({ errors: [{ code: 'timeout' }] })
  })

  test('that causes itself ends', () => {
    const error = new Error('round')
    error.cause = error
    expect(JSON.stringify(describeError(error)).match(/round/g)).toHaveLength(4)
  })

  test.each([[NAME], [{ client_name: NAME }], [null], [undefined], [7]])('that is none: %j', (thrown) => {
    expect(describeError(thrown)).toEqual({ type: thrown === null ? 'null' : typeof thrown })
    logged(thrown)
  })

  test('whose message pretends to be a stack frame shows no part of it', () => {
    const error = new Error(`first line\n    at ${STREET}\n    at ${NAME} (home)`)
    expect(describeError(error).stack).not.toContain('Ocean')
  })
})
