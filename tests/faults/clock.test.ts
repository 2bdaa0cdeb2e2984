import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Queue } from 'bullmq'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { Random } from '../support/simulation/random.ts'
import { until } from '../support/until.ts'
import { survived } from './aftermath.ts'
import { gather } from './crowd.ts'
import { seedOf } from './seed.ts'
import { openSite, type Site } from './site.ts'

const HOUR_MS = 3_600_000
const STEP_MS = 60_000

let site: Site

const clockOff = (milliseconds: number) => ({
  NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'shifted-clock.ts')).href}`,
  CLOCK_SHIFT_MS: String(milliseconds),
})

beforeAll(async () => {
  site = await openSite({ workers: [] })
  await Promise.all([
    site.startWorker('worker-ahead', clockOff(HOUR_MS)),
    site.startWorker('worker-behind', clockOff(-HOUR_MS)),
  ])
}, 120_000)
afterAll(() => site?.close(), 60_000)

test('workers whose clocks are an hour ahead and an hour behind break nothing: the TTL goes by the database', {
  timeout: 240_000,
}, async () => {
  expect(offsets()).toEqual(new Set([-1, 1]))
  const startedAt = performance.now()
  const seed = seedOf()
  const crowd = await gather(site, { random: new Random(seed), size: 40, paceMs: 2_000 })
  await survived(site, crowd, { name: 'clocks off', seed, startedAt })

  const [member, other] = crowd.members.filter(({ plan }) => plan === 'buy')
  if (member === undefined || other === undefined) throw new Error('nobody buys')
  const standing = await offer(member.providerId, 0.5)
  const short = await offer(other.providerId, 2 / 3600)
  // The worker behind will not see this hour end; the one ahead believes that both are over.
  await reaches(short.unlockId, 'EXPIRED')
  await until('the worker ahead to look after the offer that stands', () => expiryWasTried(standing.unlockId))
  await reaches(standing.unlockId, 'AWAIT_CONFIRM')
  await site.textmagic.reply({ from: member.phone, text: `Y ${standing.leadId}` })
  await reaches(standing.unlockId, 'AWAITING_PAYMENT')
  await site.textmagic.reply({ from: other.phone, text: `Y ${short.leadId}` })
  await until('the answer that the lead has expired', () =>
    site.textmagic.messages().some(({ phone, text }) => phone === other.phone && /has expired/.test(text)),
  )
})

/** By how many hours the times in the workers' logs differ from now. */
function offsets(): Set<number> {
  const times = site.log.flatMap((line) => /"time":"([^"]+)","process":"worker"/.exec(line)?.[1] ?? [])
  return new Set(times.map((time) => Math.round((Date.parse(time) - Date.now()) / HOUR_MS)))
}

/** Whether a worker took the expiry of this unlock up already, and put it back. */
async function expiryWasTried(unlockId: number): Promise<boolean> {
  const queue = new Queue('expire', { connection: { url: site.redis.url }, prefix: site.redisPrefix })
  try {
    const waiting = await queue.getDelayed()
    return waiting.some(({ data, attemptsStarted }) => data.unlock_id === unlockId && attemptsStarted > 0)
  } finally {
    await queue.close()
  }
}

async function offer(providerId: string, ttlHours: number): Promise<{ leadId: string; unlockId: number }> {
  const lead = { ...SAMPLE_LEAD, provider_ids: [providerId], config: { ttl_hours: ttlHours } }
  const { status, body } = await site.api('POST', '/api/leads', lead)
  expect(status).toBe(201)
  return { leadId: body.lead.id, unlockId: body.unlocks[0].id }
}

async function reaches(unlockId: number, status: string): Promise<void> {
  const found = async () => (await site.api('GET', `/api/unlocks/${unlockId}`)).body.unlock.status
  const holds = async () => (await found()) === status
  await until(`unlock ${unlockId} to be ${status}`, holds, found, STEP_MS)
}
