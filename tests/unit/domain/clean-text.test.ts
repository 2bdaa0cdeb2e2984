import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanText } from '../../../src/domain/clean-text.ts'

test.each([
  ['Miami', 'Miami'],
  ['  Miami \t Beach  ', 'Miami Beach'],
  ['Sarah\r\nPhone: +1 900', 'Sarah Phone: +1 900'],
  ['a\u2028b\u2029c\u0085d\u000Be', 'a b c d e'],
  ['a\u0000b\u001Bc\u007F', 'a b c'],
  ['\u202Egnirts\u202C \u2066x\u2069', 'gnirts x'],
  ['zero\u200Bwidth\uFEFF\u00AD', 'zerowidth'],
  ['no\u00A0break\u3000space', 'no break space'],
  ['\u3164', ''],
  ['half \uD83D emoji', 'half emoji'],
  ['halves of a hidden \uDB40\u200B\uDC41letter', 'halves of a hidden letter'],
  ['Zoë O’Brien-Müller 😀', 'Zoë O’Brien-Müller 😀'],
  ['', ''],
  [null, ''],
  [undefined, ''],
])('a value from outside becomes one readable line: %j', (value, cleaned) => {
  expect(cleanText(value)).toBe(cleaned)
})

test('no value keeps a line break, a control or an invisible character, or space at its ends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const cleaned = cleanText(value)
      expect(cleaned).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]| {2}|^ | $/u)
      expect(cleanText(cleaned)).toBe(cleaned)
    }),
  )
})
