import { expect, it } from 'vitest'
import { NotDoneError, RefusedError, UnclearError } from '../../../src/gateways/errors.ts'
import { endedCall } from '../../../src/gateways/observer.ts'
import { gatewayOf } from '../../../src/metrics/gateways.ts'

it.each([
  [undefined, 'ok', undefined],
  [new RefusedError('invalid_request'), 'refused', 'invalid_request'],
  [new NotDoneError('unreachable'), 'not_done', 'unreachable'],
  [new NotDoneError('rate_limited'), 'rate_limited', 'rate_limited'],
  [new UnclearError('timeout'), 'unclear', 'timeout'],
  [new TypeError('a bug'), 'unclear', undefined],
])('a call that ended with %s is told as %s', (error, outcome, code) => {
  const call = endedCall('textmagic send', performance.now() - 5, error)
  expect(call).toMatchObject({ operation: 'textmagic send', outcome })
  expect(call.code).toBe(code)
  expect(call.ms).toBeGreaterThanOrEqual(5)
})

it.each([
  ['textmagic list replies', 'textmagic', 'list_replies'],
  ['stripe create payment link', 'stripe', 'create_payment_link'],
  ['forward message', 'webhook', 'forward_message'],
])('%s is measured as %s, %s', (named, gateway, operation) => {
  expect(gatewayOf(named)).toEqual({ gateway, operation })
})
