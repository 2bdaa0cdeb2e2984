import { expect, test } from 'vitest'
import { errorOfReadStatus, errorOfStatus, errorOfTransport, neverSent } from '../../../src/gateways/classify.ts'

function transportError(code: string, more: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(`https://host/?token=secret ${code}`), { code, ...more })
}

test.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_CLOSED'])(
  '%s proves that nothing was sent',
  (code) => expect(neverSent(transportError(code))).toBe(true),
)

test.each([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])('a certificate not accepted (%s) proves that nothing was sent', (code) =>
  expect(neverSent(transportError(code))).toBe(true),
)

test.each([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_DESTROYED',
])('%s proves nothing', (code) => expect(neverSent(transportError(code))).toBe(false))

test('a timeout while connecting proves that nothing was sent, one while reading does not', () => {
  expect(neverSent(transportError('ETIMEDOUT', { syscall: 'connect' }))).toBe(true)
  expect(neverSent(transportError('ETIMEDOUT', { syscall: 'read' }))).toBe(false)
})

test.each(['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'])(
  '%s proves that nothing was sent while connecting, and nothing on a connection that stood: the request may have arrived',
  (code) => {
    expect(neverSent(transportError(code, { syscall: 'connect' }))).toBe(true)
    for (const syscall of ['read', 'write']) {
      expect(neverSent(transportError(code, { syscall }))).toBe(false)
      expect(errorOfTransport('x', transportError(code, { syscall }))).toMatchObject({ name: 'UnclearError' })
    }
  },
)

test('of several attempts to connect, each must be proof', () => {
  const refused = transportError('ECONNREFUSED', { syscall: 'connect' })
  const both = new AggregateError([refused, transportError('ENETUNREACH', { syscall: 'connect' })])
  const mixed = Object.assign(new AggregateError([refused, transportError('ECONNRESET')]), { code: 'ECONNREFUSED' })
  expect(neverSent(both)).toBe(true)
  expect(neverSent(mixed)).toBe(false)
  expect(neverSent(new AggregateError([]))).toBe(false)
})

test('an error without a code, or something that is no error, proves nothing', () => {
  for (const thrown of [new Error('?'), 'ECONNREFUSED', undefined, null]) {
    expect(neverSent(thrown)).toBe(false)
    expect(errorOfTransport('x', thrown)).toMatchObject({ name: 'UnclearError', code: 'connection_lost' })
  }
})

test('of a transport error only its code is kept', () => {
  const failure = errorOfTransport('textmagic send', transportError('ECONNREFUSED'))
  expect(failure.message).toBe('textmagic send: unreachable (ECONNREFUSED)')
  expect(failure.cause).toBeUndefined()
})

test.each([
  [301, 'UnclearError', 'unexpected_status'],
  [400, 'RefusedError', 'invalid_request'],
  [401, 'NotDoneError', 'unauthorized'],
  [403, 'NotDoneError', 'unauthorized'],
  [404, 'NotDoneError', 'not_found'],
  [408, 'UnclearError', 'unexpected_status'],
  [422, 'RefusedError', 'invalid_request'],
  [425, 'NotDoneError', 'rate_limited'],
  [429, 'NotDoneError', 'rate_limited'],
  [500, 'UnclearError', 'server_error'],
  [503, 'UnclearError', 'server_error'],
])('status %i is a %s', (status, name, code) => {
  expect(errorOfStatus('x', status)).toMatchObject({ name, code, status })
  const read = name === 'RefusedError' ? { name: 'UnclearError', code: 'unexpected_status' } : { name, code }
  expect(errorOfReadStatus('x', status)).toMatchObject({ ...read, status })
})
