import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobName } from '../../src/queues/contract.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import {
  DECLINED,
  DETAILS,
  EXPIRED,
  LINK,
  NOT_ON_OFFER,
  newProvider,
  RESEND_LIMIT,
  TEASER,
} from '../support/provider.ts'
import { settled } from '../support/settled.ts'
import { escalated, hurryUntil } from '../support/steering.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
afterAll(() => closeChecked(product))

const linksOf = (unlockId: number) =>
  product.stripe.links().filter(({ metadata }) => metadata.unlock_id === String(unlockId))

describe('Y', () => {
  it('twice in the same moment makes one link and sends one text with it', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    await Promise.all([dana.says('Y'), dana.says(`y ${leadId}`)])
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    await settled(product)
    expect(linksOf(unlockId)).toHaveLength(1)
    expect(new Set(dana.inbox(LINK)).size).toBe(1)
  })

  it('again while payment is awaited sends the same link again, never a second one', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await dana.says('Y')
    expect(await dana.getsLink(2)).toBe(url)
    await dana.says('yes')
    expect(await dana.getsLink(3)).toBe(url)
    expect(linksOf(unlockId)).toHaveLength(1)
  })

  it('sends the link once, however many texts with it were refused before', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasLink()
    await settled(product)
    product.textmagic.faults.add({ kind: 'status', status: 400, method: 'POST', path: '/api/v2/messages', times: null })
    for (let refused = 1; refused <= 2; refused += 1) {
      await dana.says(`Y ${leadId}`)
      await escalated(product, unlockId, 'payment_link_failed')
      await settled(product)
    }
    product.textmagic.faults.clear()
    await dana.says(`Y ${leadId}`)
    await dana.getsLink(2)
    await escalated(product, unlockId, 'payment_link_failed', false)
    await settled(product)
    expect(dana.inbox(LINK)).toHaveLength(2)
  })

  it('again and again while the SMS gateway is away gets one text with the link, or the details, once it is back', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const comesBack = async (job: JobName, kind: RegExp) => {
      await settled(product)
      product.textmagic.faults.add({
        kind: 'status',
        status: 401,
        method: 'POST',
        path: '/api/v2/messages',
        times: null,
      })
      for (let times = 1; times <= 3; times += 1) await dana.says('Y')
      product.textmagic.faults.clear()
      await hurryUntil(product, job, 'the text', () => dana.inbox(kind).length > 1)
      await settled(product)
      expect(dana.inbox(kind)).toHaveLength(2)
    }
    await comesBack('create-payment-link', LINK)
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'DONE')
    await comesBack('reveal', DETAILS)
    const [unlock] = await product.rows('select reveal_resends from lead_unlocks where id = ?', [unlockId])
    expect(unlock).toEqual({ reveal_resends: 1 })
  })

  it('bare counts though the clock of the gateway is far behind ours, so that it seems older than the teaser', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    await dana.says('Y', { at: new Date(Date.now() - 600_000) })
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })

  it('delivered twice by the gateway is answered once', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    const id = await dana.texts('Y')
    await dana.texts('Y', { id })
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    await dana.texts('Y', { id })
    await settled(product)
    expect(dana.inbox(LINK)).toHaveLength(1)
  })

  it('after the details were sent sends them again three times, then says that it will not', async () => {
    const dana = await newProvider(product)
    const { unlockId, leadId } = await dana.hasDetails()
    for (let times = 2; times <= 4; times += 1) {
      await dana.says(times === 2 ? 'Y' : `Y ${leadId}`)
      await dana.gets(DETAILS, times)
      await settled(product)
    }
    await dana.says('Y')
    await dana.gets(RESEND_LIMIT)
    expect(new Set(dana.inbox(DETAILS)).size).toBe(1)
    expect(dana.inbox(DETAILS)).toHaveLength(4)
    expect(product.stripe.charges().filter(({ metadata }) => metadata.unlock_id === String(unlockId))).toHaveLength(1)
  })

  it('after N, before the TTL, reopens the offer with a link of its own', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId, url } = await dana.hasLink()
    await dana.says('N')
    await dana.gets(DECLINED)
    await product.reaches(unlockId, 'EXPIRED')
    await dana.says(`Y ${leadId}`)
    const reopened = await dana.getsLink(2)
    expect(reopened).not.toBe(url)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    await settled(product)
    expect(linksOf(unlockId).map(({ active }) => active)).toEqual([false, true])
    await product.stripe.payLink(reopened)
    await product.reaches(unlockId, 'DONE')
  })

  it('and N in turn, however often, does not have Stripe asked about ever more links', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    const newest = () => String(linksOf(unlockId).at(-1)?.id)
    const asked = (): string[] =>
      product.stripe.requestLog().flatMap(({ path, params }) => {
        const link: unknown = Reflect.get(Object(params), 'payment_link')
        return path === '/v1/checkout/sessions' && Reflect.get(Object(params), 'status') === 'complete'
          ? [String(link)]
          : []
      })
    const counts: number[] = []
    for (let round = 0; round < 14; round += 1) {
      const before = asked().length
      await dana.says(`Y ${leadId}`)
      await product.reaches(unlockId, 'AWAITING_PAYMENT')
      // The backfill asks about the link that is open.
      const links = new Set(asked().slice(before))
      links.delete(newest())
      counts.push(links.size)
      await dana.says(`N ${leadId}`)
      await product.reaches(unlockId, 'EXPIRED')
    }
    expect(counts.slice(0, 4)).toEqual([0, 1, 2, 3])
    expect(Math.max(...counts)).toBe(10)
  })

  it('bare after N answers the offer that was declined, when no other is open', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    await dana.says('N')
    await product.reaches(unlockId, 'EXPIRED')
    await dana.says('Y')
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })

  it('after the TTL is answered that the lead has expired, and makes no link', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.isOffered({ ttl_hours: 0.0005 })
    await dana.gets(TEASER)
    await product.reaches(unlockId, 'EXPIRED')
    await dana.says('Y')
    await dana.gets(EXPIRED)
    await dana.says(`Y ${leadId}`)
    await dana.gets(EXPIRED, 2)
    await settled(product)
    expect((await product.unlock(unlockId)).unlock).toMatchObject({ status: 'EXPIRED', closed_reason: 'ttl' })
    expect(linksOf(unlockId)).toHaveLength(0)
    expect(dana.inbox(LINK)).toHaveLength(0)
  })

  it('that the TTL overtakes before a link could be made is answered that the lead has expired', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    product.stripe.faults.add({
      kind: 'status',
      status: 503,
      method: 'GET',
      path: '/v1/payment_intents/search',
      times: null,
    })
    await dana.says('Y')
    await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
    await product.reaches(unlockId, 'EXPIRED')
    await dana.gets(EXPIRED)
    product.stripe.faults.clear()
    await settled(product)
    expect(dana.inbox(EXPIRED)).toHaveLength(1)
    expect(dana.inbox(LINK)).toEqual([])
  })

  it('that the TTL overtakes while the expiry is not recorded yet makes no link either', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
    await dana.says(`Y ${leadId}`)
    await dana.gets(EXPIRED)
    await settled(product)
    expect(linksOf(unlockId)).toHaveLength(0)
  })

  it('for the offer of somebody else, or a lead nobody knows, is told so in the same words and changes nothing', async () => {
    const [dana, erik] = [await newProvider(product), await newProvider(product)]
    const { leadId, unlockId } = await dana.hasTeaser()
    await erik.says(`Y ${leadId}`)
    const foreign = await erik.gets(NOT_ON_OFFER)
    await erik.says('Y lead_zzzzzzzz')
    const unknown = await erik.gets(NOT_ON_OFFER, 2)
    expect(foreign.replace(leadId, 'lead_zzzzzzzz')).toBe(unknown)
    await erik.says(`N ${leadId}`)
    await erik.gets(NOT_ON_OFFER, 3)
    expect(await product.statusOf(unlockId)).toBe('AWAIT_CONFIRM')
  })
})

describe('N', () => {
  it('after the link was sent closes the offer, the link at Stripe and the checkout page open on it', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const page = await product.stripe.openSession(url)
    await dana.says('n')
    await dana.gets(DECLINED)
    expect((await product.unlock(unlockId)).unlock).toMatchObject({ status: 'EXPIRED', closed_reason: 'declined' })
    await until('the checkout page to end', () =>
      product.stripe.sessions().some(({ id, status }) => id === page.id && status === 'expired'),
    )
    expect(linksOf(unlockId).map(({ active }) => active)).toEqual([false])
  })

  it('after the details were paid for changes nothing', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasDetails()
    await dana.says(`N ${leadId}`)
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('DONE')
    expect(dana.inbox(DECLINED)).toHaveLength(0)
  })
})

describe('several open offers', () => {
  it('a bare Y answers the one whose teaser went out last, then the next, and each link names its lead', async () => {
    const dana = await newProvider(product)
    const first = await dana.hasTeaser()
    const second = await dana.hasTeaser()
    await dana.says('Y')
    await product.reaches(second.unlockId, 'AWAITING_PAYMENT')
    const url = await dana.getsLink()
    expect(dana.inbox(LINK)[0]).toContain(`(Lead ${second.leadId})`)
    await product.stripe.payLink(url)
    await product.reaches(second.unlockId, 'DONE')
    await dana.says('Y')
    await product.reaches(first.unlockId, 'AWAITING_PAYMENT')
    expect(dana.inbox(LINK)[1]).toContain(`(Lead ${first.leadId})`)
  })

  it.each(['Y', 'N'])(
    'a bare %s answers the one whose teaser arrived, not a newer one that the carrier lost',
    async (text) => {
      const dana = await newProvider(product)
      const seen = await dana.hasTeaser()
      await settled(product)
      product.textmagic.setReceiptOutcome(dana.phone, 'f')
      const lost = await dana.hasTeaser()
      await until(
        'the receipt to say so',
        async () => (await product.unlock(lost.unlockId)).messages[0].status === 'undelivered',
      )
      product.textmagic.setReceiptOutcome(dana.phone, 'd')
      await dana.says(text)
      await product.reaches(seen.unlockId, text === 'Y' ? 'AWAITING_PAYMENT' : 'EXPIRED')
      expect(await dana.gets(text === 'Y' ? LINK : DECLINED)).toContain(seen.leadId)
      expect(await product.statusOf(lost.unlockId)).toBe('AWAIT_CONFIRM')
    },
  )

  it('a bare N declines the newest only; a Y that names the older one answers that', async () => {
    const dana = await newProvider(product)
    const first = await dana.hasTeaser()
    const second = await dana.hasTeaser()
    await dana.says('N')
    await product.reaches(second.unlockId, 'EXPIRED')
    expect(await dana.gets(DECLINED)).toContain(second.leadId)
    await dana.says(`yes ${first.leadId.toUpperCase()}!`)
    await product.reaches(first.unlockId, 'AWAITING_PAYMENT')
  })
})
