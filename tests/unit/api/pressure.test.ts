import { expect, it } from 'vitest'
import { inARow } from '../../../src/api/plugins/pressure.ts'

it('what is over its limit lasts when so many samples in a row say so, and is over with the first that does not', () => {
  const lasts = inARow(3)
  const samples = [true, true, false, true, true, true, true, false, true]
  expect(samples.map(lasts)).toEqual([false, false, false, false, false, true, true, false, false])
})
