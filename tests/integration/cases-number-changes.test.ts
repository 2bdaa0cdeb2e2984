import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import {
  HELP,
  handled,
  LINK,
  newProvider,
  START_CONFIRMATION,
  STOP_CONFIRMATION,
  TEASER,
  type TestProvider,
} from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { calm } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

let drawn = 0
/** A number that nobody has yet, digits only. */
const freeNumber = () => `1805555${String(100 + drawn++).padStart(4, '0')}`

const moves = async ({ id }: TestProvider, phone: string) => {
  const { status, body } = await product.api('PUT', `/api/providers/${id}`, { name: 'Dana', phone: `+${phone}` })
  expect(status).toBe(200)
  return body.provider
}
const textsTo = (phone: string, kind: RegExp) =>
  product.textmagic.messages().filter((message) => message.phone === phone && kind.test(message.text)).length
const textFrom = (phone: string, text: string) => product.textmagic.reply({ from: phone, text })

/** Has a text stored, and its sender's number changed, before any job runs. */
async function beforeItIsHandled(text: () => Promise<number>, change: () => Promise<unknown>): Promise<string> {
  await product.stopWorkers()
  try {
    const id = await text()
    await change()
    await product.startMoreWorkers()
    return await handled(product, id)
  } catch (error) {
    await product.startMoreWorkers()
    throw error
  }
}

it('a block that TextMagic reports counts for who has the number by then', async () => {
  const dana = await newProvider(product)
  product.textmagic.configure({ receipts: 'manual' })
  await dana.hasTeaser()
  const teaser = product.textmagic.messages().find(({ phone, text }) => phone === dana.phone && TEASER.test(text))
  const eve = await newProvider(product)
  await moves(dana, freeNumber())
  await moves(eve, dana.phone)
  await product.textmagic.deliver(teaser?.id ?? 0, 'j', 'g')
  await until('the opt-out', () => eve.isOptedOut())
  expect(await dana.isOptedOut()).toBe(false)
})

it('a text that could not be sent yet goes to the number that its receiver has by then', async () => {
  const dana = await newProvider(product)
  product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: null })
  const { unlockId } = await dana.isOffered()
  await until('the failed attempt', async () => (await product.unlock(unlockId)).messages[0].error_code !== null)
  const corrected = freeNumber()
  await moves(dana, corrected)
  product.textmagic.faults.clear()
  await product.reaches(unlockId, 'AWAIT_CONFIRM')
  expect(textsTo(corrected, TEASER)).toBe(1)
  expect(dana.inbox()).toEqual([])
})

describe('a text that was stored before its sender got another number', () => {
  it('STOP closes the offers of who had the number, and is confirmed to the number that said it', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const page = await product.stripe.openSession(url)
    const now = freeNumber()
    const outcome = await beforeItIsHandled(
      () => dana.texts('STOP'),
      () => moves(dana, now),
    )
    expect(outcome).toBe('stop')
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('OPTED_OUT')
    expect(product.stripe.sessions().find(({ id }) => id === page.id)?.status).toBe('expired')
    expect([textsTo(dana.phone, STOP_CONFIRMATION), textsTo(now, /^/)]).toEqual([1, 0])
  })

  it('Y answers the offer of who had the number, not of who has it now', async () => {
    const dana = await newProvider(product)
    const eve = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    const other = await eve.hasTeaser()
    const now = freeNumber()
    await beforeItIsHandled(
      () => dana.texts('Y'),
      async () => {
        await moves(dana, now)
        await moves(eve, dana.phone)
      },
    )
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    await settled(product)
    expect(await product.statusOf(other.unlockId)).toBe('AWAIT_CONFIRM')
    expect([textsTo(dana.phone, LINK), textsTo(now, LINK)]).toEqual([0, 1])
  })

  it('an opt-out that TextMagic has to be told of is reported for the number that said it', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    const now = freeNumber()
    await beforeItIsHandled(
      () => dana.texts('REVOKE'),
      () => moves(dana, now),
    )
    await until('TextMagic to be told', () => product.textmagic.isUnsubscribed(dana.phone))
    await settled(product)
    expect(product.textmagic.isUnsubscribed(now)).toBe(false)
  })

  it('START counts for its number alone, when the new one has said STOP', async () => {
    const dana = await newProvider(product)
    const now = freeNumber()
    await textFrom(now, 'STOP')
    await dana.says('STOP')
    product.textmagic.subscribe(dana.phone)
    await beforeItIsHandled(
      () => dana.texts('START'),
      () => moves(dana, now),
    )
    await settled(product)
    expect(await dana.isOptedOut()).toBe(true)
    expect((await moves(dana, dana.phone)).opted_out_at).not.toBeNull()
  })
})

describe('a number that has said STOP', () => {
  /** Dana says STOP and gets another number; TextMagic's own block is lifted, so that ours is what holds. */
  async function stoppedNumber(): Promise<TestProvider> {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    await dana.says('STOP')
    await dana.gets(STOP_CONFIRMATION)
    await settled(product)
    product.textmagic.subscribe(dana.phone)
    await moves(dana, freeNumber())
    return dana
  }

  it('is not texted under the name of another provider, whose open offers end with it', async () => {
    const dana = await stoppedNumber()
    const eve = await newProvider(product)
    const waiting = await eve.hasTeaser()
    const linked = await eve.hasLink()
    expect((await moves(eve, dana.phone)).opted_out_at).not.toBeNull()
    const { leadId } = await product.offer([])
    const { body } = await product.api('POST', `/api/leads/${leadId}/send`, { provider_ids: [eve.id] })
    expect(body.skipped).toEqual([{ provider_id: eve.id, reason: 'opted_out' }])
    await product.reaches(waiting.unlockId, 'OPTED_OUT')
    await product.reaches(linked.unlockId, 'OPTED_OUT')
    await settled(product)
    expect(product.stripe.sessions().filter(({ status }) => status === 'open')).toEqual([])
    expect([textsTo(dana.phone, TEASER), textsTo(dana.phone, STOP_CONFIRMATION)]).toEqual([1, 1])
  })

  it('is free again after START from it, and not after START from the number its owner has now', async () => {
    const dana = await stoppedNumber()
    const now = freeNumber()
    await moves(dana, now)
    await handled(product, (await textFrom(now, 'START')).id)
    await settled(product)
    expect(await dana.isOptedOut()).toBe(false)
    expect((await moves(dana, dana.phone)).opted_out_at).not.toBeNull()
    await dana.says('UNSTOP')
    await dana.gets(START_CONFIRMATION)
    expect((await moves(dana, dana.phone)).opted_out_at).toBeNull()
  })

  it('is remembered also when it was nobody’s, and forgotten when it says START', async () => {
    const phone = freeNumber()
    await handled(product, (await textFrom(phone, 'STOP')).id)
    const eve = await newProvider(product)
    expect((await moves(eve, phone)).opted_out_at).not.toBeNull()
    const nobodys = freeNumber()
    await handled(product, (await textFrom(nobodys, 'STOP')).id)
    await handled(product, (await textFrom(nobodys, 'UNSTOP')).id)
    const fay = await newProvider(product)
    expect((await moves(fay, nobodys)).opted_out_at).toBeNull()
  })

  it('gets no help either, once it is nobody’s', async () => {
    const dana = await stoppedNumber()
    await handled(product, (await textFrom(dana.phone, 'HELP')).id)
    await settled(product)
    expect(textsTo(dana.phone, HELP)).toBe(0)
  })

  it('is remembered when only TextMagic saw its STOP', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasLink()
    product.textmagic.unsubscribe(dana.phone)
    await dana.says('Y')
    await product.reaches(unlockId, 'OPTED_OUT')
    await settled(product)
    product.textmagic.subscribe(dana.phone)
    await moves(dana, freeNumber())
    const eve = await newProvider(product)
    expect((await moves(eve, dana.phone)).opted_out_at).not.toBeNull()
  })
})
