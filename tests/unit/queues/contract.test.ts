import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../../src/domain/backoff.ts'
import {
  type JobContract,
  type JobName,
  jobNames,
  jobs,
  PayloadError,
  parsePayload,
} from '../../../src/queues/contract.ts'

const MINUTE = 60_000

/** Fields that its payload must have, each with a value that is allowed. */
function idsOf(name: JobName): Record<string, unknown> {
  const { payload }: JobContract = jobs[name]
  return Object.fromEntries(
    (payload.required ?? []).map((field) => [field, field === 'provider_id' ? 'provider60' : 1]),
  )
}

describe('the payload of a job', () => {
  it.each(jobNames)('of %s is its ids and the request it was caused by, nothing else', (name) => {
    const payload = { ...idsOf(name), request_id: 'request-1' }
    expect(parsePayload(name, payload)).toEqual(payload)
    expect(parsePayload(name, idsOf(name))).toEqual(idsOf(name))
    expect(() => parsePayload(name, { ...payload, client_name: 'Sarah Johnson' })).toThrow(PayloadError)
    expect(() => parsePayload(name, { ...payload, request_id: 'r'.repeat(129) })).toThrow(PayloadError)
    for (const field of Object.keys(idsOf(name))) {
      for (const value of [undefined, null, 0, -1, 1.5, '', {}]) {
        expect(() => parsePayload(name, { ...payload, [field]: value })).toThrow(PayloadError)
      }
    }
    for (const other of [undefined, null, 'text', [1]]) expect(() => parsePayload(name, other)).toThrow(PayloadError)
  })

  it('that breaks the contract is named by its field, never with a value', () => {
    const messageOf = (data: unknown) => {
      try {
        return parsePayload('reveal', data)
      } catch (error) {
        return String(error)
      }
    }
    expect(messageOf({ unlock_id: 'Sarah Johnson' })).toMatch(/reveal: payload\/unlock_id /)
    for (const data of [
      { unlock_id: 'Sarah Johnson' },
      { unlock_id: 1, client_name: 'Sarah Johnson' },
      'Sarah Johnson',
    ]) {
      expect(messageOf(data)).not.toContain('Sarah')
    }
  })
})

/** For how long a job is tried before a person is called, as a rule, milliseconds. */
function patienceOf(name: JobName): number {
  const { attempts, backoff }: JobContract = jobs[name]
  const waits = Array.from({ length: attempts - 1 }, (_, index) => backoffMs(index + 1, backoff, () => 0.5))
  return waits.reduce((sum, wait) => sum + wait, 0)
}

it.each(['send-teaser', 'handle-reply', 'create-payment-link', 'handle-payment', 'reveal', 'refund-payment'] as const)(
  '%s is tried for longer than a gateway is down for a quarter of an hour',
  (name) => {
    expect(patienceOf(name)).toBeGreaterThan(15 * MINUTE)
  },
)

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

it.each(jobNames.filter((name) => Object.keys(idsOf(name)).length > 0))(
  'a wake-up of %s that Redis lost is found again: the search for what is due names it',
  (name) => {
    const search = `${read('src/db/due/due.ts')}${read('src/db/inbox/sources.ts')}`
    expect(search.includes(`'${name}'`)).toBe(true)
  },
)

it('docs/scaling.md says how many connections to Redis a worker of all queues has: one for each, and two', () => {
  const [, connections] = /one for each queue served: (\d+) with all/.exec(read('docs/scaling.md')) ?? []
  expect(Number(connections)).toBe(jobNames.length + 2)
})
