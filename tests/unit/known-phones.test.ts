import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { knownPhones } from '../../src/sandbox/phones/known-phones.ts'

const amy = { id: 'provider60', name: 'Amy', phone: '+12025550101' }
const ben = { id: 'provider61', name: 'Ben', phone: '+12025550102' }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('phones keep their names while the provider database does not answer', async () => {
  const ask = vi.fn().mockRejectedValueOnce(new Error('not up yet')).mockResolvedValueOnce([amy, ben])
  ask.mockRejectedValue(new Error('stopped'))
  const phones = knownPhones(ask, [amy])
  expect(await phones()).toEqual([amy])
  vi.advanceTimersByTime(5_000)
  expect(await phones()).toEqual([amy, ben])
  vi.advanceTimersByTime(5_000)
  expect(await phones()).toEqual([amy, ben])
})

test('several pages that refresh at every text ask the provider database once', async () => {
  const ask = vi.fn().mockResolvedValue([amy])
  const phones = knownPhones(ask, [])
  await Promise.all([phones(), phones()])
  expect(await phones()).toEqual([amy])
  expect(ask).toHaveBeenCalledTimes(1)
})
