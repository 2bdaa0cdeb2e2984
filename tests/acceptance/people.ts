import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { until } from '../support/until.ts'
import type { Json } from './admin-api.ts'
import type { Deployment } from './deployment.ts'

/** Longest wait for one step of the story, on a machine that does other things as well. */
export const STEP_MS = 40_000

/** A provider with a phone, known to the product. */
export type Person = {
  id: string
  /** Digits only, as TextMagic writes it. */
  phone: string
  texts(text: string): Promise<void>
  /** Every SMS the gateway accepted for this phone, oldest first; of one kind when a pattern is given. */
  inbox(kind?: RegExp): string[]
  /** Waits for an SMS of a kind. */
  gets(kind: RegExp): Promise<string>
}

export const TEASER = /new client inquiry/
export const LINK = /complete your .+ payment/
export const DETAILS = /here are the client details/

let drawn = 0

/** Registers a provider; phones are reserved fictional numbers, each drawn once in a test file. */
export async function newPerson(deployment: Deployment, name = 'Amy'): Promise<Person> {
  drawn += 1
  const id = `provider${drawn}`
  const area = ['212', '305', '312', '404'][Math.floor(drawn / 100)]
  const phone = `1${area}55501${String(drawn % 100).padStart(2, '0')}`
  const answer = await deployment.api('PUT', `/api/providers/${id}`, {
    name,
    phone: `+${phone}`,
    time_zone: 'America/New_York',
  })
  if (answer.status > 201) throw new Error(`PUT /api/providers/${id} answered ${answer.status}`)
  const inbox: Person['inbox'] = (kind = /^/) =>
    deployment.textmagic
      .messages()
      .filter((message) => message.phone === phone && kind.test(message.text))
      .map(({ text }) => text)
  return {
    id,
    phone,
    async texts(text) {
      await deployment.textmagic.reply({ from: phone, text })
    },
    inbox,
    async gets(kind) {
      const described = async () => JSON.stringify(inbox())
      await until(`an SMS to ${id} like ${kind}`, () => inbox(kind).length > 0, described, STEP_MS)
      return inbox(kind).at(-1) ?? ''
    },
  }
}

export type Offered = { leadId: string; unlockIds: number[] }

/** Posts the sample lead to these providers. */
export async function offer(deployment: Deployment, people: readonly Person[], overrides = {}): Promise<Offered> {
  const lead = { ...SAMPLE_LEAD, provider_ids: people.map(({ id }) => id), ...overrides }
  const { status, body } = await deployment.api('POST', '/api/leads', lead)
  if (status !== 201) throw new Error(`POST /api/leads answered ${status}: ${JSON.stringify(body)}`)
  return { leadId: body.lead.id, unlockIds: body.unlocks.map(({ id }: { id: number }) => id) }
}

/** Offers the sample lead to one provider and plays the story up to the payment link. @returns its URL as well */
export async function offeredWithLink(deployment: Deployment, person: Person) {
  const { leadId, unlockIds } = await offer(deployment, [person])
  await person.gets(TEASER)
  await person.texts('Y')
  const url = linkIn(await person.gets(LINK))
  return { leadId, unlockId: Number(unlockIds[0]), url }
}

/** The payment page in a text. */
export function linkIn(text: string): string {
  const url = /details: (\S+) \(Lead/.exec(text)?.[1]
  if (url === undefined) throw new Error('no payment link in this text')
  return url
}

/** Waits until the unlock has one of these states. @returns what the API tells of it */
export async function reaches(deployment: Deployment, unlockId: number, ...states: string[]): Promise<Json> {
  let found: Json
  await until(
    `unlock ${unlockId} to be ${states.join(' or ')}`,
    async () => {
      found = (await deployment.api('GET', `/api/unlocks/${unlockId}`)).body
      return states.includes(found.unlock.status)
    },
    async () => JSON.stringify(found),
    STEP_MS,
  )
  return found
}
