import fc from 'fast-check'
import { escapeLiteral as escapeAsDriver } from 'pg'
import { expect, it } from 'vitest'
import { escapeLiteral } from '../../../src/db/postgres/escape-literal.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom("'", '\\', 'E', '"', '?', '\n') }),
)

it('writes every text as the driver would', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(escapeLiteral(value)).toBe(escapeAsDriver(value))
    }),
  )
})
