import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { LINK, linkIn, TEASER } from '../acceptance/people.ts'
import { until } from '../support/until.ts'
import { register } from './register.ts'
import type { Site } from './site.ts'

export type Buyer = { phone: string; unlockId: number; url: string }

const STEP_MS = 60_000

/** Tells those of one site apart; there is one site at a time, and its reserved fictional numbers are a hundred. */
let drawn = 0

/** A provider of a site who got as far as the payment link. */
export async function buyerWithLink(site: Site): Promise<Buyer> {
  const number = drawn % 100
  drawn += 1
  const id = `buyer_${number}`
  const phone = `160255501${String(number).padStart(2, '0')}`
  const texts = (kind: RegExp) =>
    site.textmagic.messages().filter((message) => message.phone === phone && kind.test(message.text))
  const gets = async (kind: RegExp) => {
    await until(`an SMS like ${kind}`, () => texts(kind).length > 0, undefined, STEP_MS)
    return texts(kind).at(-1)?.text ?? ''
  }
  await register(site, [{ id, name: 'Dana', phone }])
  const { body } = await site.api('POST', '/api/leads', { ...SAMPLE_LEAD, provider_ids: [id] })
  const unlockId: number = body.unlocks[0].id
  await gets(TEASER)
  await site.textmagic.reply({ from: phone, text: 'Y' })
  const url = linkIn(await gets(LINK))
  const waits = async () =>
    (await site.api('GET', `/api/unlocks/${unlockId}`)).body.unlock.status === 'AWAITING_PAYMENT'
  await until('the payment to be awaited', waits, undefined, STEP_MS)
  return { phone, unlockId, url }
}
