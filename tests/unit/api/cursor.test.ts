import fc from 'fast-check'
import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from '../../../src/api/cursor.ts'
import { ProblemError } from '../../../src/api/problem.ts'

const Position = Type.Object({ id: Type.String(), at: Type.Integer() })

it('a cursor gives back the position it was made of', () => {
  expect(decodeCursor(Position, encodeCursor({ id: 'ü/x', at: 5 }))).toEqual({ id: 'ü/x', at: 5 })
})

it('no cursor is the first page', () => {
  expect(decodeCursor(Position, undefined)).toBeNull()
})

it('any other text is refused, naming the cursor', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => Buffer.from(json).toString('base64url')),
      ),
      (text) => {
        try {
          decodeCursor(Position, text)
          expect.unreachable()
        } catch (error) {
          expect(error).toBeInstanceOf(ProblemError)
          expect(error).toMatchObject({ code: 'invalid-request', errors: [{ field: 'cursor' }] })
        }
      },
    ),
  )
})
