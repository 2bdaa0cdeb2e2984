import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { parseGatewayBody } from '../../src/domain/inbound.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { EXPLANATION, HELP, handled, LINK, NOT_ON_OFFER, newProvider, STRANGER, TEASER } from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, hurryUntil } from '../support/steering.ts'
import { until } from '../support/until.ts'

const REFUSED = {
  status: 400,
  body: { code: 400, message: 'Validation Failed', errors: { fields: { phones: ['Phone number is not valid.'] } } },
}

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

/** Whether the fallback system got this, in whichever encoding it came. */
const wasForwarded = (text: string) =>
  product.forwarded.some(({ path, body }) => path === '/fallback' && body.includes(text))
const sentTo = (phone: string) => product.textmagic.messages().filter((message) => message.phone === phone)

describe('a text that is no answer to an offer', () => {
  it('explains how to answer when it names a lead without Y or N', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    expect(await dana.says(`is ${leadId} still free?`)).toBe('names_lead')
    expect(await dana.gets(EXPLANATION)).toContain(`Reply Y ${leadId} or N ${leadId}.`)
    expect(await product.statusOf(unlockId)).toBe('AWAIT_CONFIRM')
  })

  it('says that the lead is not on offer to them when it names somebody else’s or an unknown one, in the same words', async () => {
    const dana = await newProvider(product)
    const other = await newProvider(product)
    const { leadId, unlockId } = await other.hasTeaser()
    expect(await dana.says(`is ${leadId} still free?`)).toBe('names_lead')
    expect(await dana.gets(NOT_ON_OFFER)).toContain(leadId)
    expect(await dana.says('how about lead_zzzzzzzz?')).toBe('names_lead')
    await dana.gets(NOT_ON_OFFER, 2)
    expect(dana.inbox(EXPLANATION)).toEqual([])
    expect(await product.statusOf(unlockId)).toBe('AWAIT_CONFIRM')
  })

  it.each(['Y', 'N', 'is it free?'])(
    'says that the lead is not on offer to them when its teaser is still to be sent, in the same words: %s',
    async (text) => {
      const dana = await newProvider(product)
      const teasers = product.publisher.queues.get('send-teaser')
      onTestFinished(() => teasers?.resume())
      await teasers?.pause()
      const { leadId, unlockId } = await dana.isOffered()
      await dana.says(`${text} ${leadId}`)
      expect(await dana.gets(NOT_ON_OFFER)).toContain(leadId)
      expect(dana.inbox(EXPLANATION)).toEqual([])
      expect(await product.statusOf(unlockId)).toBe('NEW_LEAD')
    },
  )

  it('is told five times in an hour to a machine that the lead is not on offer to it', async () => {
    const dana = await newProvider(product)
    const answer = 'Away until Monday. You wrote: Lead lead_zzzzzzzz is not on offer to you.'
    for (let number = 1; number <= 6; number += 1) await dana.says(answer)
    await settled(product)
    expect(dana.inbox(NOT_ON_OFFER)).toHaveLength(5)
    expect(wasForwarded('Away until Monday')).toBe(true)
  })

  it('is explained five times in an hour to a machine that answers with our own words, then read by a person', async () => {
    const dana = await newProvider(product)
    const { leadId } = await dana.hasTeaser()
    const answer = `Out of office. You wrote: Reply Y ${leadId} or N ${leadId}.`
    for (let number = 1; number <= 6; number += 1) await dana.says(answer)
    await settled(product)
    expect(dana.inbox(EXPLANATION)).toHaveLength(5)
    expect(wasForwarded('Out of office')).toBe(true)
  })

  it('is ignored when it is a tapback that quotes our teaser', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    const teaser = dana.inbox(TEASER)[0]
    for (const reaction of [
      `Liked “${teaser}”`,
      `Laughed at “${teaser}”`,
      `Removed a like from “${teaser}”`,
      `👍 to “${teaser}”`,
      `Le gustó “${teaser}”`,
    ]) {
      expect(await dana.says(reaction)).toBe('tapback')
    }
    await settled(product)
    expect(dana.inbox()).toEqual([teaser])
    expect(await product.statusOf(unlockId)).toBe('AWAIT_CONFIRM')
  })

  it.each([
    'Loved "the massage" last week, can I book again for Friday?',
    "Liked 'em all, book me again please",
    'Questioned “Your appointment is at 5 PM”',
    '$ to "hold" the slot is fine, call me',
  ])('is forwarded when it is like a tapback and quotes none of our texts: %s', async (text) => {
    const dana = await newProvider(product)
    expect(await dana.says(text)).toBe('forwarded')
    const { id } = await product.textmagic.reply({ from: STRANGER, text })
    expect(await handled(product, id)).toBe('forwarded')
    const received = product.forwarded.filter(({ body }) => body.includes(JSON.stringify(text)))
    expect(received.map(({ body }) => JSON.parse(body).sender)).toEqual([dana.phone, STRANGER])
  })

  it('is ignored when it quotes the details, also from a number that is nobody’s by now', async () => {
    const text = 'Loved “Amy, here are the client details:\n\nName: Sarah Johnson\nPhone: +1234567890”'
    const { id } = await product.textmagic.reply({ from: STRANGER, text })
    expect(await handled(product, id)).toBe('tapback')
    await settled(product)
    expect(wasForwarded('Sarah Johnson')).toBe(false)
  })

  it('is answered with help when it is HELP, from a provider and from anybody else', async () => {
    const dana = await newProvider(product)
    await dana.says('HELP')
    await dana.gets(HELP)
    await product.textmagic.reply({ from: STRANGER, text: 'info' })
    await until('help for a stranger', () => sentTo(STRANGER).some(({ text }) => HELP.test(text)))
  })

  it('is forwarded when the sender is nobody we know, even a Y', async () => {
    await product.textmagic.reply({ from: STRANGER, text: 'Y to tomorrow at five' })
    const { id } = await product.textmagic.reply({ from: STRANGER, text: 'Y' })
    expect(await handled(product, id)).toBe('forwarded')
    await until('the forward', () => wasForwarded('Y to tomorrow at five') && wasForwarded('"text":"Y"'))
  })

  it('is forwarded when a provider has no open offer or writes of something else', async () => {
    const dana = await newProvider(product)
    expect(await dana.says('N')).toBe('forwarded')
    await dana.hasTeaser()
    expect(await dana.says('please stop texting me')).toBe('forwarded')
    await settled(product)
    expect(dana.inbox()).toHaveLength(1)
    expect(wasForwarded('please stop texting me')).toBe(true)
  })
})

it('a bare Y a day after the last offer has ended is forwarded: it may answer another system', async () => {
  const dana = await newProvider(product)
  const { unlockId } = await dana.hasTeaser()
  await product.rows(`update lead_unlocks set ttl_expires_at = app_now() - interval '25 hours' where id = ?`, [
    unlockId,
  ])
  await product.reaches(unlockId, 'EXPIRED')
  expect(await dana.says('Y')).toBe('forwarded')
  await settled(product)
  expect(dana.inbox()).toHaveLength(1)
})

it('a teaser that could not be sent before the TTL is not sent after it, though nobody has ended the offer yet', async () => {
  const expiries = product.publisher.queues.get('expire')
  await expiries?.pause()
  onTestFinished(() => expiries?.resume())
  product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages', times: null })
  const dana = await newProvider(product)
  const { unlockId } = await dana.isOffered()
  const teaser = async () => (await product.unlock(unlockId)).messages[0]
  await until('the failed attempt', async () => (await teaser()).error_code !== null)
  await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
  product.textmagic.faults.clear()
  await hurryUntil(product, 'send-teaser', 'it to be called off', async () => (await teaser()).status === 'cancelled')
  await expiries?.resume()
  await product.reaches(unlockId, 'EXPIRED')
  expect(dana.inbox()).toEqual([])
})

describe('a Y that comes before we know what became of the teaser', () => {
  it('counts when the gateway has not answered the send yet', async () => {
    await settled(product)
    // A receipt would tell as much as the answer.
    product.textmagic.configure({ deliveryDelayMs: 6_000 })
    onTestFinished(() => product.textmagic.configure({ deliveryDelayMs: 5 }))
    product.textmagic.faults.add({ kind: 'slow', method: 'POST', path: '/api/v2/messages', delay_ms: 5_000 })
    const dana = await newProvider(product)
    const { unlockId } = await dana.isOffered()
    await dana.gets(TEASER)
    expect(await product.statusOf(unlockId)).toBe('NEW_LEAD')
    await dana.says('Y')
    await dana.gets(LINK)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })

  it('counts when the answer to the send was lost', async () => {
    product.textmagic.faults.add({ kind: 'accept_then_drop', method: 'POST', path: '/api/v2/messages' })
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.isOffered()
    await dana.gets(TEASER)
    await dana.says(`Y ${leadId}`)
    await dana.gets(LINK)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    await settled(product)
    expect(dana.inbox(TEASER)).toHaveLength(1)
  })

  it('is told that nothing is on offer when the teaser never left', async () => {
    product.textmagic.faults.add({ kind: 'status', status: 401, method: 'POST', path: '/api/v2/messages' })
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.isOffered()
    await until('the failed attempt', async () => {
      const [teaser] = (await product.unlock(unlockId)).messages
      return teaser.error_code === 'unauthorized'
    })
    await dana.says(`Y ${leadId}`)
    await dana.gets(NOT_ON_OFFER)
    await product.reaches(unlockId, 'AWAIT_CONFIRM')
  })
})

describe.each(['Y', 'N'] as const)('a bare %s after a teaser that the gateway refused', (text) => {
  it('answers the offer whose teaser arrived', async () => {
    const dana = await newProvider(product)
    const heard = await dana.hasTeaser()
    product.textmagic.faults.add({ kind: 'status', ...REFUSED, method: 'POST', path: '/api/v2/messages', times: null })
    const refused = await dana.isOffered()
    await escalated(product, refused.unlockId, 'teaser_failed')
    product.textmagic.faults.clear()
    await dana.says(text)
    await product.reaches(heard.unlockId, text === 'Y' ? 'AWAITING_PAYMENT' : 'EXPIRED')
    await dana.says(`${text} ${refused.leadId}`)
    expect(await product.statusOf(refused.unlockId)).toBe('NEW_LEAD')
    await product.rows(`update escalations set resolved_at = app_now(), resolved_by = 'test' where unlock_id = ?`, [
      refused.unlockId,
    ])
  })
})

describe('a bare Y while nobody knows whether the newest teaser arrived', () => {
  it('answers the offer whose teaser did', async () => {
    const dana = await newProvider(product)
    const heard = await dana.hasTeaser()
    product.textmagic.faults.add({ kind: 'drop', method: 'POST', path: '/api/v2/messages' })
    product.textmagic.faults.add({ kind: 'status', status: 500, method: 'GET', path: '/api/v2/sessions', times: null })
    const unclear = await dana.isOffered()
    await until(
      'the unclear send',
      async () => (await product.unlock(unclear.unlockId)).messages[0].status === 'unknown',
    )
    await dana.says('Y')
    await product.reaches(heard.unlockId, 'AWAITING_PAYMENT')
    expect(await product.statusOf(unclear.unlockId)).toBe('NEW_LEAD')
    product.textmagic.faults.clear()
    await product.reaches(unclear.unlockId, 'AWAIT_CONFIRM')
  })
})

describe.each(['json', 'urlencoded', 'multipart'] as const)('when TextMagic posts its callbacks as %s', (encoding) => {
  it('a lead is sold, and what is not about a lead is forwarded byte for byte', async () => {
    const dana = await newProvider(product)
    product.textmagic.configure({ encoding })
    const { unlockId, url } = await dana.hasLink()
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
    expect((await product.unlock(unlockId)).timeline.at(-1).cause).toBe('delivered')
    const text = `Überfällig & 100% + “${encoding}”?`
    expect(await dana.says(text)).toBe('forwarded')
    const forward = product.forwarded.findLast(({ path }) => path === '/fallback')
    expect(forward).toBeDefined()
    const fields = await parseGatewayBody(forward?.contentType ?? '', Buffer.from(forward?.body ?? ''))
    expect(fields).toMatchObject({ text, sender: dana.phone })
    product.textmagic.configure({ encoding: 'json' })
  })
})

it('a text is handled and forwarded under the content type it came with, however long that is', async () => {
  const contentType = `multipart/form-data; note="${'x'.repeat(215)}"; boundary=0123456789abcdef`
  const fields = { id: '770001', sender: STRANGER, text: 'is anybody there?' }
  const parts = Object.entries(fields).map(
    ([name, value]) => `--0123456789abcdef\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const body = `${parts.join('')}--0123456789abcdef--\r\n`
  const token = encodeURIComponent(product.secrets.textmagicWebhookToken)
  const headers = { 'content-type': contentType }
  const { status } = await fetch(`${product.url}/webhook/textmagic?token=${token}`, { method: 'POST', headers, body })
  expect(status).toBe(200)
  expect(await handled(product, 770001)).toBe('forwarded')
  expect(product.forwarded.findLast(({ path }) => path === '/fallback')).toMatchObject({ contentType, body })
})
