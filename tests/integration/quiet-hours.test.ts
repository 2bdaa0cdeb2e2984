import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, LINK, NOT_ON_OFFER, newProvider, TEASER, type TestProvider } from '../support/provider.ts'
import { loseRedis } from '../support/redis-contents.ts'
import { calm, hurry, hurryUntil, moveClock } from '../support/steering.ts'
import { until } from '../support/until.ts'

/** In its summer time eight in the morning is 12:00 UTC. */
const NEW_YORK = 'America/New_York'
const LOS_ANGELES = 'America/Los_Angeles'

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { QUIET_HOURS: '21:00-08:00' } })
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

const years: number[] = []

/**
 * A day on which daylight saving time begins in the US at 2 in the morning: the second Sunday of March. Each test has a
 * later one, so that the clock only moves forward, whatever their order.
 */
function nextSpring(): string {
  const year = Math.max(new Date().getUTCFullYear(), ...years) + 1
  const firstOfMarch = new Date(Date.UTC(year, 2, 1))
  const day = 1 + ((7 - firstOfMarch.getUTCDay()) % 7) + 7
  years.push(year)
  return `${year}-03-${String(day).padStart(2, '0')}`
}

async function clockAt(time: string): Promise<void> {
  const [row] = await product.rows<{ seconds: string }>(
    'select extract(epoch from ?::timestamptz - app_now()) as seconds',
    [time],
  )
  await moveClock(product, Math.round(Number(row?.seconds)))
}

async function providerIn(timeZone: string | null): Promise<TestProvider> {
  const provider = await newProvider(product)
  await moveTo(provider, timeZone)
  return provider
}

async function moveTo({ id, phone }: TestProvider, timeZone: string | null): Promise<void> {
  await product.api('PUT', `/api/providers/${id}`, { name: 'Dana', phone: `+${phone}`, time_zone: timeZone })
}

async function importFile(file: string): Promise<void> {
  const headers = { authorization: `Bearer ${product.secrets.adminApiKey}`, 'content-type': 'text/csv' }
  const answer = await fetch(`${product.url}/api/providers/import`, { method: 'POST', headers, body: file })
  expect(answer.status).toBe(200)
}

const teaserOf = async (unlockId: number) => (await product.unlock(unlockId)).messages[0]

/** Waits until the job of a teaser has looked at it and waits for the morning. */
async function jobWaits(unlockId: number): Promise<void> {
  await until(`the job of unlock ${unlockId} to wait`, async () => {
    const delayed = (await product.publisher.queues.get('send-teaser')?.getDelayed()) ?? []
    return delayed.some(({ data, attemptsMade }) => data.unlock_id === unlockId && attemptsMade === 0)
  })
}

it('a teaser waits for eight in the morning on its receiver’s clock, also when Redis loses its job and the clock changes', async () => {
  const day = nextSpring()
  await clockAt(`${day}T03:00:00Z`)
  const eastern = await providerIn(NEW_YORK)
  const western = await providerIn(LOS_ANGELES)
  const asleep = await eastern.isOffered()
  const awake = await western.isOffered()
  await western.gets(TEASER)
  await product.reaches(awake.unlockId, 'AWAIT_CONFIRM')

  await jobWaits(asleep.unlockId)
  expect(await teaserOf(asleep.unlockId)).toMatchObject({
    status: 'pending',
    attempts: 0,
    not_before: `${day}T12:00:00.000Z`,
  })
  await loseRedis(product)
  await clockAt(`${day}T11:59:50Z`)
  await hurry(product, 'send-teaser')
  expect(await product.statusOf(asleep.unlockId)).toBe('NEW_LEAD')
  await clockAt(`${day}T12:00:20Z`)
  await product.reaches(asleep.unlockId, 'AWAIT_CONFIRM')
  expect(eastern.inbox(TEASER)).toHaveLength(1)
})

it('a job that runs late does not send in the quiet hours, and the wait costs neither attempts nor wake-ups', async () => {
  const day = nextSpring()
  await clockAt(`${day}T01:30:00Z`)
  await product.stopWorkers()
  const dana = await providerIn(NEW_YORK)
  const { unlockId } = await dana.isOffered()
  expect((await teaserOf(unlockId)).not_before).toBeNull()
  await clockAt(`${day}T02:00:30Z`)
  await product.rows('update outbound_messages set attempts = 25 where unlock_id = ?', [unlockId])
  await product.startMoreWorkers()
  await until('the teaser to be put off', async () => (await teaserOf(unlockId)).not_before !== null)
  await jobWaits(unlockId)
  expect(await teaserOf(unlockId)).toMatchObject({
    status: 'pending',
    attempts: 0,
    not_before: `${day}T12:00:00.000Z`,
  })
  expect(dana.inbox()).toEqual([])
  await clockAt(`${day}T12:00:20Z`)
  await product.reaches(unlockId, 'AWAIT_CONFIRM')
})

it('a receipt of another system that has the number of a teaser which waits does not pass for its own', async () => {
  const day = nextSpring()
  await clockAt(`${day}T03:00:00Z`)
  const dana = await providerIn(NEW_YORK)
  const { unlockId } = await dana.isOffered()
  await jobWaits(unlockId)
  // Another environment on the same account, which texts the same phone.
  const theirs = { id: 97, status: 'd', referenceId: (await teaserOf(unlockId)).id, receiver: dana.phone }
  const token = encodeURIComponent(product.secrets.textmagicWebhookToken)
  const url = `${product.url}/webhook/textmagic/delivery?token=${token}`
  expect((await fetch(url, { method: 'POST', body: JSON.stringify(theirs) })).status).toBe(200)
  await hurryUntil(product, 'handle-receipt', 'the receipt to be put aside', async () => {
    const [row] = await product.rows<{ status: string }>(`select status from webhook_inbox where external_id = '97:d'`)
    return row?.status === 'processed'
  })
  expect(await product.statusOf(unlockId)).toBe('NEW_LEAD')
  await clockAt(`${day}T12:00:20Z`)
  await dana.gets(TEASER)
})

it('an offer whose time to live ends in the quiet hours expires, and its teaser is never sent', async () => {
  const day = nextSpring()
  await clockAt(`${day}T03:00:00Z`)
  const dana = await providerIn(NEW_YORK)
  const { leadId, unlockId } = await dana.isOffered({ ttl_hours: 2 })
  await dana.says(`Y ${leadId}`)
  await dana.gets(NOT_ON_OFFER)
  expect(await product.statusOf(unlockId)).toBe('NEW_LEAD')
  await clockAt(`${day}T05:00:10Z`)
  await product.reaches(unlockId, 'EXPIRED')
  await clockAt(`${day}T12:00:20Z`)
  await until('the teaser to be cancelled', async () => (await teaserOf(unlockId)).status === 'cancelled')
  expect((await product.unlock(unlockId)).unlock.closed_reason).toBe('ttl')
  expect(dana.inbox(TEASER)).toEqual([])
})

it('what a provider asked for is sent at once: link and details in the middle of the night', async () => {
  const day = nextSpring()
  await clockAt(`${day}T00:00:00Z`)
  const dana = await providerIn(NEW_YORK)
  const { leadId, unlockId } = await dana.hasTeaser()
  await clockAt(`${day}T06:30:00Z`)
  await dana.says(`Y ${leadId}`)
  await dana.gets(LINK)
  await product.stripe.payLink(await dana.getsLink())
  await dana.gets(DETAILS)
  await product.reaches(unlockId, 'DONE')
})

it('a provider without a time zone is texted when it is quiet neither in New York nor in Honolulu', async () => {
  const day = nextSpring()
  await clockAt(`${day}T15:00:00Z`)
  const dana = await providerIn(null)
  const { unlockId } = await dana.isOffered()
  await jobWaits(unlockId)
  expect((await teaserOf(unlockId)).not_before).toBe(`${day}T18:00:00.000Z`)
  await clockAt(`${day}T18:00:20Z`)
  await product.reaches(unlockId, 'AWAIT_CONFIRM')
})

it('a teaser that waits goes by the time zone its receiver is given meanwhile, by hand or from a file', async () => {
  const day = nextSpring()
  await clockAt(`${day}T15:00:00Z`)
  const corrected = await providerIn(null)
  const imported = await providerIn(null)
  const elsewhere = await providerIn(null)
  const offers = [await corrected.isOffered(), await imported.isOffered(), await elsewhere.isOffered()]
  for (const { unlockId } of offers) await jobWaits(unlockId)

  await moveTo(corrected, NEW_YORK)
  await corrected.gets(TEASER)
  await importFile(`id,name,phone,time_zone\n${imported.id},Dana,+${imported.phone},${NEW_YORK}\n`)
  await imported.gets(TEASER)
  await moveTo(elsewhere, 'Asia/Tokyo')
  const morning = `${day}T23:00:00.000Z`
  const waiting = offers[2]?.unlockId ?? 0
  await until('the morning in Tokyo', async () => (await teaserOf(waiting)).not_before === morning)
  expect(elsewhere.inbox()).toEqual([])
  await clockAt(`${day}T23:00:20Z`)
  await product.reaches(waiting, 'AWAIT_CONFIRM')
})
