import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { handleReply } from '../../src/workers/jobs/handle-reply.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DETAILS, LINK, newProvider, START_CONFIRMATION, STOP_CONFIRMATION } from '../support/provider.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, somebodyWaits } from '../support/steering.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
beforeEach(() => calm(product))
afterAll(() => closeChecked(product))

describe('START', () => {
  it('subscribes again: offers go out, what STOP closed stays closed', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasLink()
    await dana.says('STOP')
    await dana.gets(STOP_CONFIRMATION)
    await settled(product)
    await dana.says('UNSTOP')
    await dana.gets(START_CONFIRMATION)
    await dana.says(`Y ${leadId}`)
    expect(await product.statusOf(unlockId)).toBe('OPTED_OUT')
    const { unlockId: offered } = await dana.hasTeaser()
    await dana.says('Y')
    await product.reaches(offered, 'AWAITING_PAYMENT')
    await settled(product)
    expect(await dana.isOptedOut()).toBe(false)
  })

  it('is not undone by an older STOP that arrives late', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    await dana.says('START')
    await dana.gets(START_CONFIRMATION)
    await dana.says('STOP', { at: new Date(Date.now() - 3_600_000) })
    product.textmagic.subscribe(dana.phone)
    await settled(product)
    expect(await dana.isOptedOut()).toBe(false)
    expect(await product.statusOf(unlockId)).toBe('AWAIT_CONFIRM')
    expect(dana.inbox(STOP_CONFIRMATION)).toHaveLength(0)
  })

  it('that is being handled while a STOP is stored does not undo it', async () => {
    const dana = await newProvider(product)
    await dana.says('STOP')
    await settled(product)
    const queue = product.publisher.queues.get('handle-reply')
    await queue?.pause()
    onTestFinished(() => queue?.resume())
    const id = await dana.texts('START')
    const [row] = await product.rows<{ id: string }>('select id from webhook_inbox where external_id = ?', [String(id)])
    await withServices(product, async (services) => {
      const { handled } = await inTransaction(product.db.em, async (tx) => {
        // As the ingress does for a STOP that was texted after it.
        await tx.execute(
          `update providers set subscription_changed_at = app_now() + interval '1 second' where id = ? returning id`,
          [dana.id],
        )
        const attempt = { id: '1', data: { inbox_id: Number(row?.id) }, number: 1, of: 5 }
        const handled = makeAttempt(services, handleReply, attempt)
        await somebodyWaits(product)
        return { handled }
      })
      expect(await handled).toEqual({ type: 'done' })
    })
    expect(await dana.isOptedOut()).toBe(true)
    await queue?.resume()
    await settled(product)
    expect(dana.inbox(START_CONFIRMATION)).toEqual([])
  })

  it.each([
    ['before', false],
    ['after', true],
  ])(
    'texted in the second of the STOP that came after it does not undo it, though it is handled %s that',
    async (_when, isHeldUp) => {
      const dana = await newProvider(product)
      const queue = product.publisher.queues.get('handle-reply')
      await queue?.pause()
      onTestFinished(() => queue?.resume())
      const second = new Date(Math.floor(Date.now() / 1000) * 1000)
      const start = await dana.texts('START', { at: second })
      const stop = await dana.texts('STOP', { at: second })
      // Woken up that often in vain, it holds up the others no longer.
      if (isHeldUp) await product.rows('update webhook_inbox set attempts = 3 where external_id = ?', [String(start)])
      await withServices(product, async (services) => {
        for (const id of isHeldUp ? [stop, start] : [start]) {
          const [row] = await product.rows<{ id: string }>('select id from webhook_inbox where external_id = ?', [
            String(id),
          ])
          const attempt = { id: '1', data: { inbox_id: Number(row?.id) }, number: 1, of: 5 }
          expect(await makeAttempt(services, handleReply, attempt)).toEqual({ type: 'done' })
        }
      })
      expect(await dana.isOptedOut()).toBe(true)
      await queue?.resume()
      await dana.gets(STOP_CONFIRMATION)
      await settled(product)
      expect(dana.inbox(START_CONFIRMATION)).toEqual([])
    },
  )

  it('by a clock that is ahead of ours is undone by the STOP that comes after it', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    await dana.says('START', { at: new Date(Date.now() + 3_600_000) })
    await dana.says('STOP', { at: new Date(Date.now() + 60_000) })
    expect(await dana.isOptedOut()).toBe(true)
    await dana.gets(STOP_CONFIRMATION)
  })

  it('that arrives late does not undo a newer STOP', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    await dana.says('STOP')
    await dana.says('START', { at: new Date(Date.now() - 3_600_000) })
    await settled(product)
    expect(await dana.isOptedOut()).toBe(true)
    expect(dana.inbox(START_CONFIRMATION)).toHaveLength(0)
  })

  it('in the moment in which a STOP has called the details off has them sent', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    const queue = product.publisher.queues.get('reveal')
    await queue?.pause()
    onTestFinished(() => queue?.resume())
    await product.stripe.payLink(url)
    await product.reaches(unlockId, 'PAID')
    // As whoever called them off leaves them, who sees the START when the money was to go back.
    await product.rows(
      `update outbound_messages set status = 'cancelled', final_at = app_now() where unlock_id = ? and purpose = 'reveal'`,
      [unlockId],
    )
    await queue?.resume()
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(DETAILS)).toHaveLength(1)
  })

  it('right after STOP is not undone by the receipt that says the confirmation was blocked', async () => {
    const dana = await newProvider(product)
    await dana.hasTeaser()
    product.textmagic.configure({ deliveryDelayMs: 700 })
    await dana.says('STOP')
    await dana.gets(STOP_CONFIRMATION)
    await dana.says('UNSTOP')
    product.textmagic.configure({ deliveryDelayMs: 5 })
    await settled(product)
    expect(await dana.isOptedOut()).toBe(false)
  })

  it('and STOP by turns are confirmed each time', async () => {
    const dana = await newProvider(product)
    for (let times = 1; times <= 3; times += 1) {
      await dana.says('STOP')
      await dana.gets(STOP_CONFIRMATION, times)
      await dana.says('UNSTOP')
      await dana.gets(START_CONFIRMATION, times)
    }
    await settled(product)
    expect(dana.inbox(LINK)).toEqual([])
    expect(await dana.isOptedOut()).toBe(false)
  })
})
