import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitsOneMessage, smsEncoding } from '../../../src/domain/sms-encoding.ts'

test.each([
  ['', 'gsm7', 0, 0],
  ['a', 'gsm7', 1, 1],
  ['a'.repeat(160), 'gsm7', 160, 1],
  ['a'.repeat(161), 'gsm7', 161, 2],
  ['a'.repeat(306), 'gsm7', 306, 2],
  ['a'.repeat(307), 'gsm7', 307, 3],
  ['@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà_\n\r', 'gsm7', 44, 1],
  ['abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 'gsm7', 62, 1],
  [' !"#$%&\'()*+,-./:;<=>?@_', 'gsm7', 24, 1],
  ['{}[]\\~|^€\f', 'gsm7', 20, 1],
  ['€'.repeat(80), 'gsm7', 160, 1],
  [`${'€'.repeat(80)}a`, 'gsm7', 161, 2],
  ['’', 'ucs2', 1, 1],
  ['ç', 'ucs2', 1, 1],
  ['–'.repeat(70), 'ucs2', 70, 1],
  ['–'.repeat(71), 'ucs2', 71, 2],
  ['–'.repeat(134), 'ucs2', 134, 2],
  ['–'.repeat(135), 'ucs2', 135, 3],
  ['😀', 'ucs2', 2, 1],
  ['{–', 'ucs2', 2, 1],
  ['\uD83D', 'ucs2', 1, 1],
])('%j is %s, %i units, %i parts', (text, encoding, units, segments) => {
  expect(smsEncoding(text)).toEqual({ encoding, units, segments })
})

test('an escape pair is not divided between two parts', () => {
  const oneLeft = 'a'.repeat(152)
  expect(smsEncoding(`${oneLeft}€${'a'.repeat(152)}`)).toEqual({ encoding: 'gsm7', units: 306, segments: 3 })
})

test('a surrogate pair is not divided between two parts', () => {
  const oneLeft = '–'.repeat(66)
  expect(smsEncoding(`${oneLeft}😀${'–'.repeat(66)}`)).toEqual({ encoding: 'ucs2', units: 134, segments: 3 })
})

test('one message has at most six parts', () => {
  expect(fitsOneMessage('a'.repeat(918))).toBe(true)
  expect(fitsOneMessage('a'.repeat(919))).toBe(false)
  expect(fitsOneMessage('–'.repeat(402))).toBe(true)
  expect(fitsOneMessage('–'.repeat(403))).toBe(false)
})

test('the beginning of a text never needs more parts than the whole', () => {
  const unit = fc.constantFrom('a', '€', '–', '😀', '\n')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 500 }), fc.nat(500), (text, cut) => {
      const beginning = [...text].slice(0, cut).join('')
      expect(smsEncoding(beginning).segments).toBeLessThanOrEqual(smsEncoding(text).segments)
    }),
  )
})
