import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from '../../../src/domain/backoff.ts'

const POLICY = { baseMs: 1000, maxMs: 300_000 }
const policy = fc
  .tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 86_400_000 }))
  .map(([baseMs, maxMs]) => ({ baseMs, maxMs }))
/** Retry counters are small; a job that is retried by hand for years is not. */
const attempt = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 }))
const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

const atMost = (attempt: number, { baseMs, maxMs }: typeof POLICY) => backoffMs(attempt, { baseMs, maxMs }, () => 1)
const atLeast = (attempt: number, { baseMs, maxMs }: typeof POLICY) => backoffMs(attempt, { baseMs, maxMs }, () => 0)

test('the longest wait doubles from the base up to the maximum, where it stays', () => {
  const longest = [1, 2, 3, 4, 9, 10, 11, 1000].map((attempt) => atMost(attempt, POLICY))
  expect(longest).toEqual([1000, 2000, 4000, 8000, 256_000, 300_000, 300_000, 300_000])
})

test('the shortest wait is half the longest', () => {
  const shortest = [1, 2, 3, 10, 1000].map((attempt) => atLeast(attempt, POLICY))
  expect(shortest).toEqual([500, 1000, 2000, 150_000, 150_000])
})

test('the jitter spreads evenly between the two', () => {
  expect([0, 0.25, 0.5, 0.75].map((value) => backoffMs(3, POLICY, () => value))).toEqual([2000, 2500, 3000, 3500])
})

test('a wait is a whole number of milliseconds, at most the maximum and at least half the ceiling', () => {
  fc.assert(
    fc.property(policy, attempt, dice, (policy, attempt, value) => {
      const wait = backoffMs(attempt, policy, () => value)
      expect(Number.isSafeInteger(wait)).toBe(true)
      expect(wait).toBeLessThanOrEqual(policy.maxMs)
      const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1))
      expect(wait).toBeGreaterThanOrEqual(Math.floor(ceiling / 2))
      expect(wait).toBeLessThanOrEqual(Math.ceil(ceiling))
    }),
  )
})

test('with the same dice, no attempt waits less than the one before', () => {
  fc.assert(
    fc.property(policy, attempt, dice, (policy, attempt, value) => {
      const before = backoffMs(attempt, policy, () => value)
      expect(backoffMs(attempt + 1, policy, () => value)).toBeGreaterThanOrEqual(before)
    }),
  )
})

test('before any attempt the wait is that of the first', () => {
  expect(atMost(0, POLICY)).toBe(1000)
})

test('a base above the maximum is capped', () => {
  expect(atMost(1, { baseMs: 5000, maxMs: 1000 })).toBe(1000)
})

test('jobs that failed together come back apart', () => {
  const waits = new Set(Array.from({ length: 200 }, () => backoffMs(9, POLICY)))
  expect(waits.size).toBeGreaterThan(100)
})
