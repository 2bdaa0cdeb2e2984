import fc from 'fast-check'
import { expect, test } from 'vitest'
import { extractLeadIds, newLeadId } from '../../../src/domain/lead-id.ts'

test('a new id is lead_ and eight lower-case letters or digits', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => newLeadId()))
  expect(ids.size).toBe(1000)
  for (const id of ids) expect(id).toMatch(/^lead_[a-z0-9]{8}$/)
})

test('every character is equally likely: bytes that would favour some are thrown away', () => {
  const counts = new Map<string, number>()
  for (let byte = 0; byte < 256; byte += 1) {
    const id = newLeadId((size) => Uint8Array.from({ length: size }, (_, index) => (index === 0 ? byte : 25)))
    const first = id.charAt('lead_'.length)
    if (byte >= 252) expect(id).toBe('lead_zzzzzzzz')
    else counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  expect(counts.size).toBe(36)
  expect(new Set(counts.values())).toEqual(new Set([7]))
})

test.each([
  ['Y lead_abc12345', ['lead_abc12345']],
  ['LEAD_ABC12345', ['lead_abc12345']],
  ['lead _ abc12345', ['lead_abc12345']],
  ['lead_abc12345 and lead_xyz98765, lead_ABC12345', ['lead_abc12345', 'lead_xyz98765']],
  ['(lead_abc12345)', ['lead_abc12345']],
  ['lead_\u212Abc12345', ['lead_kbc12345']],
  ['lead_abc', ['lead_abc']],
  ['plead_abc12345', []],
  ['lead_abc12345_6', []],
  ['lead massages', []],
  ['lead-abc12345', []],
  [`lead_${'a'.repeat(33)}`, []],
])('ids are found in %j', (text, ids) => {
  expect(extractLeadIds(text).leadIds).toEqual(ids)
})

test('the rest of the text is what remains beside the ids', () => {
  expect(extractLeadIds('Yes, Lead lead_abc12345!')).toEqual({ leadIds: ['lead_abc12345'], rest: 'yes,  !' })
})

test('every id that is made is found in a text', () => {
  fc.assert(
    fc.property(fc.nat(), () => {
      const id = newLeadId()
      expect(extractLeadIds(`Y ${id.toUpperCase()}.`).leadIds).toEqual([id])
    }),
  )
})
