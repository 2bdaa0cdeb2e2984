import { expect, it } from 'vitest'
import { inTime } from '../../src/in-time.ts'

const late = () => {
  throw new Error('late')
}

it('answers what is done in time, and fails as it fails', async () => {
  expect(await inTime(Promise.resolve(7), 60_000, late)).toBe(7)
  await expect(inTime(Promise.reject(new Error('refused')), 60_000, late)).rejects.toThrow('refused')
})

it('gives up what never ends', async () => {
  const endless = new Promise(() => undefined)
  await expect(inTime(endless, 1, late)).rejects.toThrow('late')
  expect(await inTime(endless, 1, () => 'late')).toBe('late')
})
