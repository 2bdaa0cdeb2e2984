import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { readJson } from '../../../src/gateways/answers.ts'
import { UnclearError } from '../../../src/gateways/errors.ts'

const schema = Type.Object({ id: Type.Integer() })
const SECRETS = ['+13055550160', 'Sarah']

test.each([
  ['that is not JSON', `Sent to ${SECRETS.join(' ')}`],
  ['that ends too early', `{"id": 1, "text": "${SECRETS.join(' ')}`],
  ['of another shape', JSON.stringify({ id: SECRETS.join(' ') })],
])('an answer %s may mean that it was done, and nothing of it is in the error', (_what, text) => {
  const failure = thrownBy(() => readJson('textmagic send', schema, text))
  expect(failure).toBeInstanceOf(UnclearError)
  expect(failure).toMatchObject({ code: 'unreadable_answer' })
  const told = `${failure.stack} ${JSON.stringify(failure, Object.getOwnPropertyNames(failure))}`
  for (const secret of SECRETS) expect(told).not.toContain(secret)
})

function thrownBy(act: () => unknown): Error {
  try {
    act()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}
