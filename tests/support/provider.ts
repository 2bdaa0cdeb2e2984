import { randomBytes } from 'node:crypto'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import type { Product } from './product.ts'
import { until } from './until.ts'

/** How each text of ours is recognised. */
export const TEASER = /new client inquiry/
export const LINK = /complete your .+ payment/
export const DETAILS = /here are the client details/
export const EXPIRED = /has expired and can no longer be unlocked/
export const DECLINED = /You skipped lead/
export const NOT_ON_OFFER = /is not on offer to you/
export const EXPLANATION = /Y unlocks contact details, N skips/
export const RESEND_LIMIT = /were sent to you again 3 times already/
export const STOP_CONFIRMATION = /You are unsubscribed/
export const START_CONFIRMATION = /You are subscribed to client inquiries again/
export const HELP = /For support, reply with your question/

/** Area codes with reserved fictional numbers, a hundred in each. */
const AREA_CODES = ['212', '213', '312', '404', '415', '512', '602', '702']
let drawn = 0
/** Nobody here: no provider is ever given a number of this area. */
export const STRANGER = '16465550199'

/** A provider of this test alone, with a phone of their own. */
export type TestProvider = {
  id: string
  /** Digits only, as TextMagic writes it. */
  phone: string
  /** Texts us. Resolves with the id of the text once it was posted to the product. */
  texts(text: string, options?: { id?: number; at?: Date }): Promise<number>
  /** Texts us and waits until that is handled. @returns what it was taken for */
  says(text: string, options?: { id?: number; at?: Date }): Promise<string>
  isOptedOut(): Promise<boolean>
  /** Every SMS the gateway accepted for this phone, oldest first; of one kind when a pattern is given. */
  inbox(kind?: RegExp): string[]
  /** Waits until that many texts of a kind are there. @returns the newest */
  gets(kind: RegExp, times?: number): Promise<string>
  /** Waits for that many texts with a payment link. @returns the URL in the newest */
  getsLink(times?: number): Promise<string>
  /** Posts a lead of its own with locked fields of its own, to this provider alone. */
  isOffered(config?: { ttl_hours?: number; price_cents?: number; currency?: string }): Promise<Offered>
  /** Is offered a lead and has the teaser. */
  hasTeaser(config?: { ttl_hours?: number }): Promise<Offered>
  /** Has the teaser, said Y and got the link. */
  hasLink(config?: { ttl_hours?: number }): Promise<Offered & { url: string }>
  /** Paid, and the details were delivered. */
  hasDetails(): Promise<Offered & { url: string }>
}

export type Offered = { leadId: string; unlockId: number }

/** Registers a provider with the product. */
export async function newProvider(product: Product): Promise<TestProvider> {
  drawn += 1
  const id = `provider_${randomBytes(4).toString('hex')}`
  const phone = `1${AREA_CODES[Math.floor(drawn / 100)]}55501${String(drawn % 100).padStart(2, '0')}`
  const stored = await product.api('PUT', `/api/providers/${id}`, { name: 'Dana', phone: `+${phone}` })
  if (stored.status > 201) throw new Error(`PUT /api/providers answered ${stored.status}`)

  const inbox: TestProvider['inbox'] = (kind = /^/) =>
    product.textmagic
      .messages()
      .filter((message) => message.phone === phone && kind.test(message.text))
      .map(({ text }) => text)
  const gets: TestProvider['gets'] = async (kind, times = 1) => {
    const described = async () => JSON.stringify(inbox())
    await until(`${times} text(s) like ${kind}`, () => inbox(kind).length >= times, described)
    return inbox(kind).at(-1) ?? ''
  }
  const texts: TestProvider['texts'] = async (text, options = {}) => {
    const { id: replyId } = await product.textmagic.reply({ from: phone, text, ...options })
    return replyId
  }
  const isOffered: TestProvider['isOffered'] = async (config = {}) => {
    const body = { ...SAMPLE_LEAD, ...newClient(), provider_ids: [id], config: { ...SAMPLE_LEAD.config, ...config } }
    const answer = await product.api('POST', '/api/leads', body)
    if (answer.status !== 201) throw new Error(`POST /api/leads answered ${answer.status}`)
    return { leadId: answer.body.lead.id, unlockId: answer.body.unlocks[0].id }
  }
  const getsLink: TestProvider['getsLink'] = async (times = 1) => {
    return /details: (\S+) \(Lead/.exec(await gets(LINK, times))?.[1] ?? ''
  }
  const hasTeaser: TestProvider['hasTeaser'] = async (config) => {
    const offered = await isOffered(config)
    await product.reaches(offered.unlockId, 'AWAIT_CONFIRM')
    return offered
  }
  const hasLink: TestProvider['hasLink'] = async (config) => {
    const before = inbox(LINK).length
    const offered = await hasTeaser(config)
    await texts(`Y ${offered.leadId}`)
    await product.reaches(offered.unlockId, 'AWAITING_PAYMENT')
    return { ...offered, url: await getsLink(before + 1) }
  }
  return {
    id,
    phone,
    texts,
    async says(text, options) {
      return handled(product, await texts(text, options))
    },
    async isOptedOut() {
      return (await product.api('GET', `/api/providers/${id}`)).body.provider.opted_out_at !== null
    },
    inbox,
    gets,
    getsLink,
    isOffered,
    hasTeaser,
    hasLink,
    async hasDetails() {
      const offered = await hasLink()
      await product.stripe.payLink(offered.url)
      await product.reaches(offered.unlockId, 'DONE')
      return offered
    },
  }
}

/** A client whom no other lead has, so that a text can be told to hold the right one's details, and nobody else's. */
function newClient() {
  const tag = randomBytes(5).toString('hex')
  return {
    client_name: `Sarah ${tag}`,
    client_phone: `+1 555 ${tag}`,
    client_email: `${tag}@client.example`,
    exact_address: `1 Ocean Drive ${tag}`,
  }
}

/** Waits until a text of this id was handled. @returns its outcome */
export async function handled(product: Product, replyId: number): Promise<string> {
  let outcome = ''
  await until(`text ${replyId} to be handled`, async () => {
    const [row] = await product.rows<{ outcome: string }>(
      `select outcome from webhook_inbox where source = 'textmagic' and external_id = ? and status = 'processed'`,
      [String(replyId)],
    )
    outcome = row?.outcome ?? ''
    return row !== undefined
  })
  return outcome
}
