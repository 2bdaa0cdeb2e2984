import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callbackUrls } from '../../src/sandbox/environment.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DECLINED, EXPIRED, handled, LINK, newProvider, STRANGER } from '../support/provider.ts'
import { refuseToStore } from '../support/refuse-to-store.ts'
import { settled } from '../support/settled.ts'
import { calm } from '../support/steering.ts'
import { until } from '../support/until.ts'

/** Longer than clocks may differ. */
const MINUTES_AGO = 300_000

let product: Product

beforeAll(async () => {
  product = await startProduct({ env: { BACKFILL_MINUTES: '0.02' } })
})
beforeEach(async () => {
  listen()
  await calm(product)
})
afterAll(() => closeChecked(product))

function listen(): void {
  product.textmagic.configure({ inboundUrl: callbackUrls(product.url, product.secrets).inbound })
}

/** As if we were down and TextMagic had given up on our callback URL. */
function goDeafToTexts(): void {
  product.textmagic.configure({ inboundUrl: null })
}

/** The gateway lists no replies until the fault is cleared. */
function keepReplies(): void {
  product.textmagic.faults.add({ method: 'GET', path: '/api/v2/replies', kind: 'status', status: 500, times: null })
}

/** As if the teaser had been sent long ago. */
const longAgo = (unlockId: number) =>
  product.rows(`update lead_unlocks set teaser_sent_at = app_now() - interval '1 hour' where id = ?`, [unlockId])

/** Its TTL passes, and a reply finds that out: its own job could not close it, and waits for a person. */
async function leaveToReply(unlockId: number): Promise<void> {
  await product.rows(`insert into escalations (kind, subject, summary) values ('expire_failed', ?, 'as if')`, [
    `unlock:${unlockId}`,
  ])
  await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
}

/** A provider has two offers of long ago, and from now on we hear of no text until TextMagic lists them. */
async function hasTwoOffers() {
  const dana = await newProvider(product)
  const older = await dana.hasTeaser()
  const newer = await dana.hasTeaser()
  await longAgo(older.unlockId)
  await longAgo(newer.unlockId)
  goDeafToTexts()
  keepReplies()
  return { dana, older, newer }
}

describe('texts that no callback brought', () => {
  it('are fetched, and answered once', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    const id = await dana.texts('Y')
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    listen()
    await dana.texts('Y', { id })
    await settled(product)
    expect(dana.inbox(LINK)).toHaveLength(1)
  })

  it('are handled in the order they were sent', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    const ids = [await dana.texts('Y'), await dana.texts('N')]
    for (const id of ids) await handled(product, id)
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('EXPIRED')
    expect(dana.inbox(DECLINED)).toHaveLength(1)
  })

  it.each(['Y', 'N'] as const)(
    'answer the offer that they were texted for, not one that came since: %s',
    async (text) => {
      const dana = await newProvider(product)
      const { unlockId } = await dana.hasTeaser()
      goDeafToTexts()
      keepReplies()
      await dana.texts(text, { at: new Date(Date.now() - MINUTES_AGO) })
      await longAgo(unlockId)
      const newer = await dana.hasTeaser()
      product.textmagic.faults.clear()
      await product.reaches(unlockId, text === 'Y' ? 'AWAITING_PAYMENT' : 'EXPIRED')
      expect(await product.statusOf(newer.unlockId)).toBe('AWAIT_CONFIRM')
    },
  )

  it('say N to nothing when the offer that they were texted for has ended since', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    keepReplies()
    const text = await dana.texts('N', { at: new Date(Date.now() - MINUTES_AGO) })
    await longAgo(unlockId)
    await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [unlockId])
    await product.reaches(unlockId, 'EXPIRED')
    const newer = await dana.hasTeaser()
    product.textmagic.faults.clear()
    expect(await handled(product, text)).toBe('forwarded')
    expect(await product.statusOf(newer.unlockId)).toBe('AWAIT_CONFIRM')
  })

  it.each(['Y', 'N'] as const)(
    'answer no older offer in place of the one that they were texted for, which was declined since: %s',
    async (text) => {
      const { dana, older, newer } = await hasTwoOffers()
      const late = await dana.texts(text, { at: new Date(Date.now() - MINUTES_AGO) })
      listen()
      await dana.says(`N ${newer.leadId}`)
      product.textmagic.faults.clear()
      await handled(product, late)
      await settled(product)
      expect(await product.statusOf(older.unlockId)).toBe('AWAIT_CONFIRM')
      expect(await product.statusOf(newer.unlockId)).toBe('EXPIRED')
      expect(dana.inbox(LINK)).toEqual([])
      expect(dana.inbox(DECLINED)).toHaveLength(1)
    },
  )

  it('say that the lead has expired which they were texted for, though an older one is on offer', async () => {
    const { dana, older, newer } = await hasTwoOffers()
    await dana.texts('Y', { at: new Date(Date.now() - MINUTES_AGO) })
    await product.rows('update lead_unlocks set ttl_expires_at = app_now() where id = ?', [newer.unlockId])
    await product.reaches(newer.unlockId, 'EXPIRED')
    product.textmagic.faults.clear()
    expect(await dana.gets(EXPIRED)).toContain(newer.leadId)
    expect(await product.statusOf(older.unlockId)).toBe('AWAIT_CONFIRM')
  })

  it.each(['Y', 'N'])(
    'answer no older offer in place of the one whose lead the text before has found expired: Y and %s',
    async (second) => {
      const { dana, older, newer } = await hasTwoOffers()
      await dana.texts('Y', { at: new Date(Date.now() - MINUTES_AGO) })
      const last = await dana.texts(second, { at: new Date(Date.now() - MINUTES_AGO + 5_000) })
      await leaveToReply(newer.unlockId)
      product.textmagic.faults.clear()
      await handled(product, last)
      await settled(product)
      expect((await product.unlock(newer.unlockId)).timeline.at(-1)).toMatchObject({
        to_status: 'EXPIRED',
        cause: 'reply',
      })
      expect(await product.statusOf(older.unlockId)).toBe('AWAIT_CONFIRM')
    },
  )

  it('do not undo what was texted after them', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    await longAgo(unlockId)
    goDeafToTexts()
    keepReplies()
    const older = await dana.texts(`N ${leadId}`, { at: new Date(Date.now() - MINUTES_AGO) })
    listen()
    await dana.says(`Y ${leadId}`)
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    product.textmagic.faults.clear()
    await handled(product, older)
    await settled(product)
    expect(await product.statusOf(unlockId)).toBe('AWAITING_PAYMENT')
    expect(dana.inbox(DECLINED)).toEqual([])
  })

  it('count though a hundred others came after them', { timeout: 60_000 }, async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    await dana.texts('Y')
    for (let number = 1; number <= 101; number += 1) {
      await product.textmagic.reply({ from: STRANGER, text: `question ${number}` })
    }
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    const forwards = () => product.forwarded.filter(({ body }) => body.includes('question '))
    // The Y may be found by an earlier run than the last of them.
    await until('all to be forwarded', () => forwards().length >= 101)
    await settled(product)
    expect(forwards()).toHaveLength(101)
  })

  it('count though a hundred newer ones came by callback before the gateway could be asked', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    keepReplies()
    goDeafToTexts()
    await dana.texts('Y')
    listen()
    for (let number = 1; number <= 101; number += 1) {
      await product.textmagic.reply({ from: STRANGER, text: `remark ${number}` })
    }
    product.textmagic.faults.clear()
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })

  it('are stored in the order they were sent though they are listed on different pages', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    keepReplies()
    goDeafToTexts()
    const first = await dana.texts('What is this?')
    for (let number = 1; number <= 101; number += 1) {
      await product.textmagic.reply({ from: STRANGER, text: `complaint ${number}` })
    }
    const last = await dana.texts('Who are you?')
    product.textmagic.faults.clear()
    const stored = () =>
      product.rows<{ external_id: string }>(
        'select external_id from webhook_inbox where external_id in (?, ?) order by id',
        [String(first), String(last)],
      )
    await until('both texts', async () => (await stored()).length === 2)
    expect((await stored()).map(({ external_id }) => external_id)).toEqual([String(first), String(last)])
  })

  it('count though the clock of the gateway is behind ours, and has whole seconds only', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    goDeafToTexts()
    const [first] = await product.rows<{ at: Date }>('select min(created_at) as at from leads')
    await dana.texts('Y', { at: new Date(new Date(first?.at ?? Number.NaN).getTime() - 60_000) })
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
  })

  it('count though one before them cannot be stored, which is tried again', async () => {
    const [dana, eve] = [await newProvider(product), await newProvider(product)]
    const { unlockId: refused } = await dana.hasTeaser()
    const { unlockId: newer } = await eve.hasTeaser()
    keepReplies()
    goDeafToTexts()
    const id = await dana.texts('Y')
    await eve.texts('Y')
    const storable = await refuseToStore(product, String(id))
    product.textmagic.faults.clear()
    await product.reaches(newer, 'AWAITING_PAYMENT')
    await storable()
    await product.reaches(refused, 'AWAITING_PAYMENT')
  })

  it('say STOP as well as any other', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasLink()
    goDeafToTexts()
    await dana.texts('STOP')
    await product.reaches(unlockId, 'OPTED_OUT')
  })

  it('do not count when they were sent before there was any lead', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    goDeafToTexts()
    const old = await dana.texts('Y', { at: new Date('2020-01-01T00:00:00Z') })
    const newer = await dana.texts('Is anybody there?')
    await until('the newer text', async () => {
      const [row] = await product.rows('select 1 from webhook_inbox where external_id = ?', [String(newer)])
      return row !== undefined
    })
    expect(await product.rows('select 1 from webhook_inbox where external_id = ?', [String(old)])).toEqual([])
  })
})
