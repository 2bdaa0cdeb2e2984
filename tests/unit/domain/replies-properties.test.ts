import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classifyReply } from '../../../src/domain/replies.ts'
import { teaserText } from '../../../src/domain/texts.ts'

const anyUnicode = fc.string({ unit: 'binary', maxLength: 400 })
const decoration = fc
  .array(
    fc.constantFrom(
      ...[' ', '\u00A0', '\t', '\n', '\u2028', '\u200B', '\u200D', '\uFE0F', '\u202E', '\uFEFF', '\u00AD'],
      ...['.', '!', '?', ',', '"', '“', '”', "'", '’', '(', ')', '-', '—', '…', '*', '¡', '¿'],
      ...['👍', '👍🏿', '👩‍👩‍👧', '❤️', '🇺🇸', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '™️', 'ℹ️', 'Ⓜ️', '㊗️', '\uD83D', '\uDE00'],
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))
const leadId = fc.stringMatching(/^[a-z0-9]{8}$/).map((id) => `lead_${id}`)

function cased(word: string) {
  return fc
    .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
    .map((upper) => [...word].map((char, index) => (upper[index] ? char.toUpperCase() : char)).join(''))
}
const yes = fc.oneof(cased('y'), cased('yes'))
const no = fc.oneof(cased('n'), cased('no'))

test('case, white space, punctuation and emoji around a yes or a no do not change it', () => {
  fc.assert(
    fc.property(decoration, yes, no, decoration, (before, y, n, after) => {
      expect(classifyReply(before + y + after)).toEqual({ kind: 'yes', leadId: null })
      expect(classifyReply(before + n + after)).toEqual({ kind: 'no', leadId: null })
    }),
    { numRuns: 1000 },
  )
})

test('a yes names its lead on whichever side the id stands, in any case', () => {
  const id = leadId.chain((plain) => cased(plain).map((typed) => ({ plain, typed })))
  fc.assert(
    fc.property(decoration, yes, id, decoration, (before, y, { plain, typed }, after) => {
      expect(classifyReply(`${before}${y} ${typed}${after}`)).toEqual({ kind: 'yes', leadId: plain })
      expect(classifyReply(`${before}${typed} ${y}${after}`)).toEqual({ kind: 'yes', leadId: plain })
    }),
    { numRuns: 1000 },
  )
})

test('a word that is neither yes nor no is never part of a yes', () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/).filter((w) => !['y', 'yes'].includes(w.toLowerCase()))
  fc.assert(
    fc.property(yes, word, (y, w) => {
      expect(classifyReply(`${y} ${w}`).kind).not.toBe('yes')
      expect(classifyReply(`${w} ${y}`).kind).not.toBe('yes')
    }),
    { numRuns: 1000 },
  )
})

test('no text that holds a whole teaser is a yes, a no or a keyword', () => {
  fc.assert(
    fc.property(anyUnicode, anyUnicode, anyUnicode, leadId, (before, after, city, id) => {
      const teaser = teaserText({
        providerName: 'Amy',
        leadId: id,
        city,
        serviceType: 'Massage',
        priceCents: 2000,
        currency: 'usd',
      })
      expect(['names_lead', 'tapback', 'other']).toContain(classifyReply(before + teaser + after).kind)
    }),
  )
})

test('any Unicode text whatever is classified, without an error', () => {
  fc.assert(
    fc.property(anyUnicode, (text) => {
      expect(['yes', 'no', 'names_lead', 'stop', 'start', 'help', 'tapback', 'other']).toContain(
        classifyReply(text).kind,
      )
    }),
    { numRuns: 1000 },
  )
})

test.each([
  'y ',
  'lead_',
  'lead ',
  'lead_a ',
  'a',
  '_',
  ' ',
  '“',
  '"',
  '👍',
  'removed a ',
  'Liked "',
  'new client inquiry in ',
  'e\u0301',
  // Marks that have to change places, one of which only becomes a mark.
  '\u0345\u0301',
  '\u0301\uFF9E',
  '\uFDFA',
])('the time grows with the length of the text, not faster: %j repeated', (unit) => {
  const seconds = (times: number) => {
    const text = unit.repeat(times)
    const start = performance.now()
    classifyReply(text)
    return performance.now() - start
  }
  seconds(10_000)
  // Quadratic behaviour would take minutes for this length; the limit is far from what a slow machine needs.
  expect(seconds(100_000)).toBeLessThan(30_000)
})
