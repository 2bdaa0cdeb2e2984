import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Fault } from '../../src/sandbox/faults.ts'
import { Random } from '../support/simulation/random.ts'
import { survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'

const SEND = { method: 'POST', path: '/api/v2/messages' }
const STRIPE_POST = { method: 'POST', path: '/v1/' }

/**
 * Everything that leaves it open whether a call was carried out, and some of what does not. So many of each: an outage has
 * an end, and a text that always meets another fault would prove nothing but patience.
 */
const TEXTMAGIC_FAULTS: Fault[] = [
  { ...SEND, kind: 'accept_then_drop', probability: 0.1, times: 20 },
  { ...SEND, kind: 'accept_then_status', status: 500, probability: 0.1, times: 15 },
  { ...SEND, kind: 'accept_then_hang', probability: 0.1, times: 8 },
  { ...SEND, kind: 'status', status: 500, probability: 0.1, times: 15 },
  { ...SEND, kind: 'status', status: 429, probability: 0.1, times: 10 },
  { ...SEND, kind: 'drop', probability: 0.1, times: 15 },
  { ...SEND, kind: 'hang', probability: 0.1, times: 5 },
  { method: 'GET', kind: 'status', status: 500, probability: 0.1, times: 10 },
  { method: 'GET', kind: 'drop', probability: 0.1, times: 10 },
]
const STRIPE_FAULTS: Fault[] = [
  { ...STRIPE_POST, kind: 'accept_then_drop', probability: 0.1, times: 15 },
  { ...STRIPE_POST, kind: 'accept_then_status', status: 500, probability: 0.1, times: 10 },
  { ...STRIPE_POST, kind: 'accept_then_hang', probability: 0.1, times: 4 },
  { ...STRIPE_POST, kind: 'status', status: 500, probability: 0.1, times: 10 },
  { ...STRIPE_POST, kind: 'drop', probability: 0.1, times: 10 },
  { ...STRIPE_POST, kind: 'hang', probability: 0.1, times: 3 },
  { method: 'GET', path: '/v1/', kind: 'status', status: 500, probability: 0.1, times: 10 },
]

/** Of those above so many are met at least, whatever is drawn: without them the test would prove nothing. */
const FAULTS_AT_LEAST = 80

let site: Site
const seed = seedOf()
const random = new Random(seed)

beforeAll(async () => {
  site = await openSite({ random: () => random.next() })
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('gateways that hang, answer 500 or drop the connection after accepting get each SMS, link and refund once', {
  timeout: 300_000,
}, async () => {
  const startedAt = performance.now()
  for (const fault of TEXTMAGIC_FAULTS) site.textmagic.faults.add(fault)
  for (const fault of STRIPE_FAULTS) site.stripe.faults.add(fault)
  const crowd = await gather(site, { random })
  const inFlight = await crowd.inFlight()
  expect(inFlight).toBeGreaterThanOrEqual(100)
  await survived(site, crowd, {
    name: 'gateways failing',
    seed,
    startedAt,
    notes: () => [`in flight ${inFlight}`, `faults ${injected()}`],
  })
  expect(injected()).toBeGreaterThan(FAULTS_AT_LEAST)
})

/** How many faults were met. */
function injected(): number {
  const left = [...site.textmagic.faults.list(), ...site.stripe.faults.list()]
  const sum = (faults: readonly Fault[]) => faults.reduce((total, { times }) => total + (times ?? 0), 0)
  return sum([...TEXTMAGIC_FAULTS, ...STRIPE_FAULTS]) - sum(left)
}
