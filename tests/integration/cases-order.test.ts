import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockInboxRow, markProcessed } from '../../src/db/inbox/inbox.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { handleReply } from '../../src/workers/jobs/handle-reply.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { DECLINED, LINK, newProvider } from '../support/provider.ts'
import { loseRedis } from '../support/redis-contents.ts'
import { refundsOf } from '../support/refunds.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { hurryUntil, moveClock, somebodyWaits } from '../support/steering.ts'
import { until } from '../support/until.ts'

/** Seconds until the sweep takes an interest in any row. */
const BEYOND_EVERY_GRACE = 90

let product: Product

beforeEach(async () => {
  product = await startProduct()
})
afterEach(() => closeChecked(product))

const { arrives } = refundsOf(() => product)

const textCount = async () => {
  const [row] = await product.rows<{ count: number }>(
    `select count(*)::int as count from webhook_inbox where source = 'textmagic'`,
  )
  return row?.count
}

it('an event that came before its payment and cannot be opened does not keep that back; a person hears of it', async () => {
  const dana = await newProvider(product)
  const { unlockId, url } = await dana.hasLink()
  product.stripe.holdWebhooks()
  const { paymentIntent } = await product.stripe.payLink(url)
  await product.stripe.refund(paymentIntent.id, { amount: 500 })
  const refunded = await arrives('charge.refunded')
  const outcome = async () => {
    const [row] = await product.rows<{ outcome: string }>('select outcome from webhook_inbox where id = ?', [refunded])
    return row?.outcome
  }
  await hurryUntil(product, 'handle-payment', 'it to be given up on', async () => (await outcome()) === 'unmatched')
  await product.rows(`update webhook_inbox set sealed_body = 'v1.lost.AAAA' where id = ?`, [refunded])
  await arrives('checkout.session.completed')
  await product.reaches(unlockId, 'DONE')
  await until('a person to be called', async () => (await outcome()) === 'failed: unseal_failed')
  const called = `select from escalations where kind = 'inbox_failed' and subject = ? and resolved_at is null`
  expect(await product.rows(called, [`inbox:${refunded}`])).toHaveLength(1)
  await product.stripe.releaseWebhooks()
  await settled(product)
})

describe('texts of one provider', () => {
  it('are handled in the order they arrived, also when their wake-ups come in another', async () => {
    const dana = await newProvider(product)
    const { leadId, unlockId } = await dana.hasTeaser()
    await settled(product)
    await product.stopWorkers()
    for (const text of ['Y', `N ${leadId}`, `Y ${leadId}`, 'N']) await dana.texts(text)
    await loseRedis(product)
    const last = await product.rows<{ id: string }>(
      `select id from webhook_inbox where status = 'received' order by id desc`,
    )
    for (const { id } of last) await product.publisher.publish([{ job: 'handle-reply', inbox_id: Number(id) }])
    await product.startMoreWorkers()
    await dana.gets(DECLINED, 2)
    await settled(product)
    const { unlock, timeline } = await product.unlock(unlockId)
    expect(unlock).toMatchObject({ status: 'EXPIRED', closed_reason: 'declined' })
    expect(timeline.filter(({ cause }: { cause: string }) => cause === 'reply')).toMatchObject([
      { to_status: 'CHECK_EXISTING_PAYMENT' },
      { to_status: 'EXPIRED' },
      { to_status: 'CHECK_EXISTING_PAYMENT' },
      { to_status: 'EXPIRED' },
    ])
  })

  it('that cannot be read hold up none that come after them; a person hears of them', async () => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    await settled(product)
    await product.stopWorkers()
    const broken = await dana.texts('is this still on?')
    await product.rows(`update webhook_inbox set sealed_body = 'v1.lost.AAAA' where external_id = ?`, [String(broken)])
    await dana.texts('Y')
    await product.startMoreWorkers()
    await product.reaches(unlockId, 'AWAITING_PAYMENT')
    await until('the escalation', async () => {
      const [row] = await product.rows(
        `select 1 from escalations e join webhook_inbox i on e.subject = 'inbox:' || i.id
         where i.external_id = ? and e.kind = 'inbox_failed'`,
        [String(broken)],
      )
      return row !== undefined
    })
  })
})

it('a text that another worker is handling is not handled once more', async () => {
  const dana = await newProvider(product)
  const { unlockId } = await dana.hasTeaser()
  await settled(product)
  await product.stopWorkers()
  await dana.texts('Y')
  const [row] = await product.rows<{ id: string }>(`select id from webhook_inbox where status = 'received'`)
  const inbox_id = Number(row?.id)
  await withServices(product, async (services) => {
    const { second } = await inTransaction(product.db.em, async (tx) => {
      const first = await lockInboxRow(tx, inbox_id, 'received')
      const second = makeAttempt(services, handleReply, { id: '1', data: { inbox_id }, number: 1, of: 5 })
      await somebodyWaits(product)
      if (first !== null) await markProcessed(tx, first, 'yes')
      return { second }
    })
    expect(await second).toEqual({ type: 'done' })
  })
  expect(await product.statusOf(unlockId)).toBe('AWAIT_CONFIRM')
})

describe('a text that fails again and again, for a reason that may pass', () => {
  it.each([
    ['was woken up three times', 'attempts = 3'],
    ['waits for a person', `attempts = 0, next_attempt_at = '9999-01-01'`],
  ])('holds up none that come after it once it %s', async (_since, stand) => {
    const dana = await newProvider(product)
    const { unlockId } = await dana.hasTeaser()
    await settled(product)
    await product.stopWorkers()
    const failing = await dana.texts('is this still on?')
    await product.rows(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
      create trigger refuse before update of status on webhook_inbox
        for each row when (old.external_id = '${failing}') execute function refuse()`)
    await product.rows(`update webhook_inbox set ${stand} where external_id = ?`, [String(failing)])
    await dana.texts('Y')
    await product.startMoreWorkers()
    await hurryUntil(product, 'handle-reply', 'the Y to be handled', async () => {
      return (await product.statusOf(unlockId)) === 'AWAITING_PAYMENT'
    })
    await product.rows('drop trigger refuse on webhook_inbox')
    await hurryUntil(product, 'handle-reply', 'the other to be handled', async () => {
      const left = await product.rows(`select from webhook_inbox where status = 'received'`)
      return left.length === 0
    })
  })
})

describe('when every wake-up in Redis is lost', () => {
  it('the story goes on from each of its steps', { timeout: 90_000 }, async () => {
    const dana = await newProvider(product)
    await settled(product)
    await product.stopWorkers()
    const loseAndGoOn = async () => {
      await loseRedis(product)
      await moveClock(product, BEYOND_EVERY_GRACE)
      await product.startMoreWorkers()
    }

    const { unlockId } = await dana.isOffered()
    await loseAndGoOn()
    await product.reaches(unlockId, 'AWAIT_CONFIRM')

    await settled(product)
    await product.stopWorkers()
    await dana.texts('Y')
    await until('the text to be stored', async () => (await textCount()) === 1)
    await loseAndGoOn()
    const url = await dana.getsLink()
    await product.reaches(unlockId, 'AWAITING_PAYMENT')

    await settled(product)
    await product.stopWorkers()
    await product.stripe.payLink(url)
    await product.stripe.webhooksIdle()
    await loseAndGoOn()
    await product.reaches(unlockId, 'DONE')
    expect(dana.inbox(LINK)).toHaveLength(1)
    expect(dana.inbox()).toHaveLength(3)
  })

  it('while the workers are at it, nothing is lost and nothing is done twice', { timeout: 90_000 }, async () => {
    const providers = await Promise.all([1, 2, 3, 4].map(() => newProvider(product)))
    const offers = await Promise.all(providers.map(async (provider) => ({ provider, ...(await provider.isOffered()) })))
    await loseRedis(product)
    await moveClock(product, BEYOND_EVERY_GRACE)
    for (const { unlockId } of offers) await product.reaches(unlockId, 'AWAIT_CONFIRM')
    await Promise.all(providers.map((provider) => provider.texts('Y')))
    await loseRedis(product)
    await moveClock(product, BEYOND_EVERY_GRACE)
    for (const { provider } of offers) await product.stripe.payLink(await provider.getsLink())
    await loseRedis(product)
    await moveClock(product, BEYOND_EVERY_GRACE)
    for (const { provider, unlockId } of offers) {
      await product.reaches(unlockId, 'DONE')
      expect(provider.inbox()).toHaveLength(3)
    }
  })

  it('the TTL still ends an offer, and a reveal without a receipt is still confirmed', async () => {
    const [dana, erik] = [await newProvider(product), await newProvider(product)]
    const { unlockId } = await dana.hasTeaser({ ttl_hours: 1 })
    const sold = await erik.hasLink()
    product.textmagic.configure({ receipts: 'manual' })
    await product.stripe.payLink(sold.url)
    await product.reaches(sold.unlockId, 'REVEAL_DETAILS_SENT')
    await settled(product)
    await loseRedis(product)
    await moveClock(product, 3_700)
    await product.reaches(unlockId, 'EXPIRED')
    await product.reaches(sold.unlockId, 'DONE')
  })
})

describe('two worker processes', () => {
  it('share the work, and nothing is done twice', { timeout: 90_000 }, async () => {
    await product.startMoreWorkers()
    const providers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => newProvider(product)))
    const offers = await Promise.all(providers.map(async (provider) => ({ provider, ...(await provider.isOffered()) })))
    for (const { unlockId } of offers) await product.reaches(unlockId, 'AWAIT_CONFIRM')
    await Promise.all(providers.flatMap((provider) => [provider.texts('Y'), provider.texts('y')]))
    for (const { provider, unlockId } of offers) {
      const url = await provider.getsLink()
      await product.reaches(unlockId, 'AWAITING_PAYMENT')
      await product.stripe.payLink(url)
    }
    for (const { provider, unlockId } of offers) {
      await product.reaches(unlockId, 'DONE')
      expect(new Set(provider.inbox(LINK)).size).toBe(1)
    }
  })
})
