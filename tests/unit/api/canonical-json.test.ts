import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson } from '../../../src/api/canonical-json.ts'

it('objects that differ in the order of their names are the same text', () => {
  expect(canonicalJson({ b: 1, a: { d: [2, 1], c: null } })).toBe('{"a":{"c":null,"d":[2,1]},"b":1}')
  expect(canonicalJson({ a: { c: null, d: [2, 1] }, b: 1 })).toBe('{"a":{"c":null,"d":[2,1]},"b":1}')
})

it('two JSON values are the same text only when they say the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const same = JSON.stringify(JSON.parse(canonicalJson(a))) === JSON.stringify(JSON.parse(canonicalJson(b)))
      expect(canonicalJson(a) === canonicalJson(b)).toBe(same)
      expect(JSON.parse(canonicalJson(a))).toEqual(JSON.parse(JSON.stringify(a)))
    }),
  )
})
