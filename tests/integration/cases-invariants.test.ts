import { Redis } from 'ioredis'
import { Stripe } from 'stripe'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SANDBOX_TEXTMAGIC_USERNAME } from '../../src/sandbox/environment.ts'
import { moneyViolations } from '../support/invariants-money.ts'
import { secretViolations } from '../support/invariants-secrets.ts'
import { smsViolations } from '../support/invariants-sms.ts'
import { webhookViolations } from '../support/invariants-webhooks.ts'
import { lockedValues } from '../support/locked-values.ts'
import { type Product, startProduct } from '../support/product.ts'
import { newProvider, STOP_CONFIRMATION, TEASER } from '../support/provider.ts'
import { settled } from '../support/settled.ts'

let product: Product

beforeEach(async () => {
  product = await startProduct()
})
afterEach(() => product.close())

/** Sends an SMS past the product. */
async function smuggle(phones: string, text: string, referenceId?: string | null): Promise<void> {
  const answer = await fetch(`${product.textmagic.url}/api/v2/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-tm-username': SANDBOX_TEXTMAGIC_USERNAME,
      'x-tm-key': product.secrets.textmagicApiKey,
    },
    body: JSON.stringify({ phones, text, referenceId }),
  })
  expect(answer.status).toBe(201)
}

/** Makes a payment link past the product. */
async function smuggleLink(unlockId: number, leadId: string): Promise<string> {
  const { hostname, port } = new URL(product.stripe.url)
  const stripe = new Stripe(product.secrets.stripeSecretKey, { host: hostname, port, protocol: 'http' })
  const metadata = { unlock_id: String(unlockId), lead_id: leadId }
  const link = await stripe.paymentLinks.create({
    line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: 'A lead' } } }],
    metadata,
  })
  return link.url
}

describe('the checks of the invariants see', () => {
  it('an SMS accepted twice, and a locked field in a text that nobody paid for', async () => {
    const dana = await newProvider(product)
    const { leadId } = await dana.hasTeaser()
    const [name] = (await lockedValues(product)).get(leadId) ?? []
    const teaser = product.textmagic.messages().find(({ phone, text }) => phone === dana.phone && TEASER.test(text))
    expect(await smsViolations(product)).toEqual([])
    await smuggle(dana.phone, `The client is ${name}.`, teaser?.referenceId)
    expect(await smsViolations(product)).toEqual([
      expect.stringMatching(/^4: teaser message .* was accepted 2 times$/),
      expect.stringMatching(/^1: teaser message .* holds a locked field$/),
    ])
  })

  it('a text after STOP, and a second confirmation', async () => {
    const dana = await newProvider(product)
    await dana.says('STOP')
    await dana.gets(STOP_CONFIRMATION)
    await smuggle(dana.phone, 'You are unsubscribed, and once more.')
    await smuggle(dana.phone, 'You are unsubscribed, and again.')
    await smuggle(dana.phone, 'Are you sure?')
    const violations = await smsViolations(product)
    expect(violations).toContain(`6: ${dana.phone} got more than one confirmation of STOP`)
    expect(violations).toContain(`6: ${dana.phone} got 1 texts after STOP`)
  })

  it('a second active link, and money that is not in the books', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasLink()
    expect(await moneyViolations(product)).toEqual([])
    const url = await smuggleLink(unlockId, leadId)
    expect(await moneyViolations(product)).toEqual([
      `2: unlock ${unlockId} has 2 active links`,
      expect.stringMatching(/^2: link plink_\w+ is active at Stripe and not open here$/),
    ])
    product.stripe.holdWebhooks()
    await product.stripe.payLink(url)
    expect(await moneyViolations(product)).toContainEqual(
      expect.stringMatching(/^3: Stripe holds money of pi_\w+ unknown/),
    )
  })

  it('a payment kept for details that were not delivered, while nobody is told', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    await product.rows(`update lead_unlocks set status = 'REVEAL_DETAILS_SENT' where id = ?`, [unlockId])
    expect(await moneyViolations(product)).toContainEqual(
      expect.stringMatching(/^3: payment \d+ is kept, its unlock REVEAL_DETAILS_SENT, and nobody is told$/),
    )
    expect(await webhookViolations(product)).toContain(`the timeline of unlock ${unlockId} has a gap`)
  })

  it('a dispute of which nobody is told', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasDetails()
    const { payments } = await product.unlock(unlockId)
    const { id } = await product.stripe.dispute(payments[0].payment_intent_id)
    await settled(product)
    await product.rows('delete from escalations where subject = ?', [`dispute:${id}`])
    expect(await moneyViolations(product)).toContain(`3: nobody is told of dispute ${id}`)
  })

  it('a webhook that was answered 200 and forgotten, or is left undone', async () => {
    const dana = await newProvider(product)
    const [lost, undone] = [await dana.texts('HELP'), await dana.texts('INFO')]
    await settled(product)
    await product.rows('update outbound_messages set inbox_id = null')
    await product.rows('delete from webhook_inbox where external_id = ?', [String(lost)])
    await product.rows(
      `update webhook_inbox set status = 'received', next_attempt_at = '9999-01-01' where external_id = ?`,
      [String(undone)],
    )
    const violations = await webhookViolations(product)
    expect(violations).toContain(`5: text ${lost} was answered 200 and is not stored`)
    expect(violations).toContainEqual(
      expect.stringMatching(/^5: textmagic message \d+ is received, and nobody is told$/),
    )
  })

  it('a locked field in the log, in Redis, in an alert and in a table', async () => {
    const dana = await newProvider(product)
    const { leadId } = await dana.hasTeaser()
    const [name = ''] = (await lockedValues(product)).get(leadId) ?? []
    expect(await secretViolations(product)).toEqual([])
    product.log.push(`{"msg":"revealed ${name} to ${dana.phone}"}`)
    product.forwarded.push({ path: '/alert', contentType: 'application/json', body: name })
    await product.rows('update leads set notes_snippet = ? where id = ?', [name, leadId])
    const redis = new Redis(product.config.redisUrl)
    await redis.hset(`${product.redisPrefix}:reveal:1`, 'data', name)
    redis.disconnect()
    expect((await secretViolations(product)).toSorted()).toEqual([
      '7: Redis holds a locked field',
      '7: a log line holds a locked field',
      '7: a log line holds the number of a provider',
      '7: an alert holds a locked field',
      '7: the database holds a locked field',
    ])
  })
})
