import fc from 'fast-check'
import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { decodeCursor, pageOf } from '../../../src/api/cursor.ts'
import { ProblemError } from '../../../src/api/problem.ts'

const Position = Type.Object({ id: Type.String(), at: Type.Integer() })

it('a cursor gives back the position it was made of', () => {
  const { page, next_cursor } = pageOf(['first', 'second', 'third'], 2, (last) => ({ id: `${last}/ü`, at: 5 }))
  expect(page).toEqual(['first', 'second'])
  expect(decodeCursor(Position, next_cursor ?? undefined)).toEqual({ id: 'second/ü', at: 5 })
  expect(pageOf(['first', 'second'], 2, (last) => last)).toEqual({ page: ['first', 'second'], next_cursor: null })
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
