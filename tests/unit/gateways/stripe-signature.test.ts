import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { BadSignatureError, verifyStripeSignature } from '../../../src/gateways/stripe-signature.ts'

const now = new Date('2026-03-01T12:00:00Z')
const seconds = now.getTime() / 1000
const event = {
  id: 'evt_1',
  object: 'event',
  type: 'checkout.session.completed',
  data: { object: { note: 'Grüße ✓' } },
}
const body = Buffer.from(JSON.stringify(event))

function sign(rawBody: Buffer, secret: string, at: number | string = seconds): string {
  return createHmac('sha256', secret).update(`${at}.`).update(rawBody).digest('hex')
}

function verify(rawBody: Buffer, header: string | undefined, secrets: string[] = ['whsec_a']) {
  return verifyStripeSignature({ rawBody, header, secrets, now })
}

test('a signed event is returned as it came', () => {
  expect(verify(body, `t=${seconds},v1=${sign(body, 'whsec_a')}`)).toEqual({ event })
})

test('while a secret is rolled, either secret and either signature will do', () => {
  const both = `t=${seconds},v1=${sign(body, 'whsec_new')},v1=${sign(body, 'whsec_a')},v0=00`
  expect(verify(body, both).event).toEqual(event)
  expect(verify(body, `t=${seconds},v1=${sign(body, 'whsec_b')}`, ['whsec_a', 'whsec_b']).event).toEqual(event)
})

test.each([
  ['another secret', `t=${seconds},v1=${sign(body, 'whsec_x')}`],
  ['another body', `t=${seconds},v1=${sign(Buffer.from('{}'), 'whsec_a')}`],
  ['another time than the signed one', `t=${seconds + 1},v1=${sign(body, 'whsec_a')}`],
  ['an older scheme only', `t=${seconds},v0=${sign(body, 'whsec_a')}`],
  ['no time', `v1=${sign(body, 'whsec_a')}`],
  ['a time that is no number', `t=now,v1=${sign(body, 'whsec_a', 'NaN')}`],
  ['nothing', ''],
  ['no header', undefined],
  ['rubbish', 'rubbish,=,t='],
  ['a signature that is empty', `t=${seconds},v1=`],
  ['a signature left out', `t=${seconds},v1`],
])('a header with %s is refused', (_what, header) => {
  expect(() => verify(body, header)).toThrow(BadSignatureError)
})

test.each([
  ['300 s old', -300, true],
  ['301 s old', -301, false],
  ['300 s ahead', 300, true],
  ['301 s ahead', 301, false],
  ['a year ahead', 31_536_000, false],
])('a signature %s: %i s, accepted: %s', (_what, offset, accepted) => {
  const header = `t=${seconds + offset},v1=${sign(body, 'whsec_a', seconds + offset)}`
  if (accepted) expect(verify(body, header).event).toEqual(event)
  else expect(() => verify(body, header)).toThrow(BadSignatureError)
})

test('without a secret nothing is accepted', () => {
  const header = `t=${seconds},v1=${sign(body, '')}`
  expect(() => verify(body, header, [])).toThrow(BadSignatureError)
  expect(() => verify(body, header, [''])).toThrow(BadSignatureError)
})

test.each([
  ['no JSON', Buffer.from('hello')],
  ['empty', Buffer.alloc(0)],
  ['not even UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0xc3])],
  ['marked with a byte order', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body])],
  ['a JSON number', Buffer.from('7')],
  ['JSON null', Buffer.from('null')],
  ['an object without id and type', Buffer.from('{"object":"event"}')],
  ['an object without an id', Buffer.from('{"type":"charge.refunded"}')],
  ['an object whose id is no text', Buffer.from('{"id":7,"type":"charge.refunded"}')],
  ['an object without a type', Buffer.from('{"id":"evt_1"}')],
  ['an object whose type is no text', Buffer.from('{"id":"evt_1","type":null}')],
])('a body that is %s but truly signed is told from a forged one', (_what, rawBody) => {
  expect(verify(rawBody, `t=${seconds},v1=${sign(rawBody, 'whsec_a')}`)).toEqual({ event: null })
  expect(() => verify(rawBody, `t=${seconds},v1=${sign(rawBody, 'whsec_x')}`)).toThrow(BadSignatureError)
})

test('the refusal says nothing about secret or body', () => {
  try {
    verify(body, `t=${seconds},v1=00`)
    expect.unreachable()
  } catch (error) {
    expect(String(error)).toBe('BadSignatureError: the Stripe signature does not match')
  }
})
