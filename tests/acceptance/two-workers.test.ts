import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import type { Json } from './admin-api.ts'
import { DEPLOY_MS, type Deployment, deploy } from './deployment.ts'
import { logLines } from './logs.ts'
import { DETAILS, LINK, linkIn, newPerson, offer, type Person, TEASER } from './people.ts'

const LEADS = 50
const PROVIDERS = 5
const WITHIN_MS = 100_000

let deployment: Deployment

beforeAll(async () => {
  deployment = await deploy({ env: { LOG_LEVEL: 'debug' } })
  await deployment.startWorker('worker-2')
}, DEPLOY_MS)
afterAll(() => deployment?.close())

test('two worker processes share fifty leads, and each provider gets one SMS per purpose', {
  timeout: 150_000,
}, async () => {
  const people: Person[] = []
  for (let count = 0; count < PROVIDERS; count += 1) people.push(await newPerson(deployment))
  const personOf = (index: number) => people[index % PROVIDERS] as Person
  const leads = await Promise.all(
    Array.from({ length: LEADS }, async (_, index) => {
      const person = personOf(index)
      return { person, ...(await offer(deployment, [person])) }
    }),
  )
  const texts = (kind: RegExp) =>
    leads.map(({ person, leadId }) => person.inbox(kind).filter((text) => text.includes(leadId)).length)
  const once = leads.map(() => 1)
  const eachHas = (what: string, kind: RegExp) =>
    until(`${what} of every lead`, () => texts(kind).every((count) => count > 0), count(kind), WITHIN_MS)
  const count = (kind: RegExp) => async () => `${texts(kind).filter((number) => number > 0).length} of ${LEADS}`

  await eachHas('the teaser', TEASER)
  await Promise.all(leads.map(({ person, leadId }) => person.texts(`Y ${leadId}`)))
  await eachHas('the payment link', LINK)
  const links = leads.map(({ person, leadId }) =>
    linkIn(person.inbox(LINK).find((text) => text.includes(leadId)) ?? ''),
  )
  expect(new Set(links).size).toBe(LEADS)
  await Promise.all(links.map((url) => deployment.stripe.payLink(url)))
  const states = async () => (await deployment.api('GET', '/api/leads?unlock_status=DONE&limit=100')).body.leads.length
  await until('every unlock to be done', async () => (await states()) === LEADS, count(DETAILS), WITHIN_MS)

  expect(texts(TEASER)).toEqual(once)
  expect(texts(LINK)).toEqual(once)
  // The details do not name their lead; each provider bought as many as were offered to them.
  const bought = people.map((person) => leads.filter((lead) => lead.person === person).length)
  expect(people.map((person) => person.inbox(DETAILS).length)).toEqual(bought)
  expect(deployment.textmagic.messages()).toHaveLength(3 * LEADS)
  expect(deployment.stripe.charges()).toHaveLength(LEADS)
  expect((await deployment.api('GET', '/api/escalations?state=all')).body.escalations).toEqual([])
  for (const worker of ['worker', 'worker-2']) {
    const done = logLines(deployment, worker).filter(({ msg }) => msg === 'job done')
    for (const job of ['send-teaser', 'handle-reply', 'create-payment-link', 'handle-payment', 'reveal']) {
      expect(done.filter((line: Json) => line.job === job).length, `${worker}: ${job}`).toBeGreaterThan(0)
    }
  }
})
