import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Product, startProduct } from '../support/product.ts'
import { until } from '../support/until.ts'

let product: Product

beforeAll(async () => {
  product = await startProduct()
})
afterAll(() => product.close())

async function offerTo(provider: string): Promise<number> {
  const { unlocks } = await product.offer([provider])
  const id = unlocks[provider] ?? 0
  await product.reaches(id, 'AWAIT_CONFIRM')
  return id
}

async function pay(provider: string, id: number): Promise<void> {
  await product.text(provider, 'Y')
  await product.reaches(id, 'AWAITING_PAYMENT')
  await product.stripe.payLink((await product.unlock(id)).unlock.payment_link_url)
}

const operate = (id: number, operation: string) => product.api('POST', `/api/unlocks/${id}/${operation}`)

describe('an operator', () => {
  it('sends the details of a paid unlock once more, and is refused before it is paid', async () => {
    const id = await offerTo('provider60')
    expect(await operate(id, 'retry-reveal')).toMatchObject({
      status: 409,
      body: { type: 'urn:lead-unlock:problem:not-allowed-now', detail: expect.stringContaining('AWAIT_CONFIRM') },
    })
    await pay('provider60', id)
    await product.reaches(id, 'DONE')
    const reveals = () => product.inboxOf('provider60').filter((text) => text.includes('Sarah Johnson')).length
    const before = reveals()
    expect((await operate(id, 'retry-reveal')).status).toBe(200)
    await until('the details to be sent once more', () => reveals() === before + 1)
  })

  it('sends the same link again, never a second one', async () => {
    const id = await offerTo('provider61')
    expect((await operate(id, 'resend-link')).status).toBe(409)
    await product.text('provider61', 'Y')
    await product.reaches(id, 'AWAITING_PAYMENT')
    const { payment_link_url: url } = (await product.unlock(id)).unlock
    const sent = () => product.inboxOf('provider61').filter((text) => text.includes(url)).length
    expect((await operate(id, 'resend-link')).status).toBe(200)
    await until('the link to be sent again', () => sent() === 2)
    expect((await product.unlock(id)).links).toHaveLength(1)
  })

  it('closes an unpaid unlock with its link, any number of times, and a Y does not reopen it', async () => {
    const id = await offerTo('provider62')
    await product.text('provider62', 'Y')
    await product.reaches(id, 'AWAITING_PAYMENT')
    for (let times = 0; times < 2; times += 1) {
      expect(await operate(id, 'expire')).toMatchObject({
        status: 200,
        body: { unlock: { status: 'EXPIRED', closed_reason: 'admin' } },
      })
    }
    await until('the link to be closed', () =>
      product.stripe.links().every(({ active, metadata }) => {
        return metadata?.unlock_id !== String(id) || !active
      }),
    )
    await product.text('provider62', 'Y')
    await until('the answer', () => product.inboxOf('provider62').some((text) => text.includes('has expired')))
    expect(await product.statusOf(id)).toBe('EXPIRED')
  })

  it('gives the money back once, whatever the number of requests', async () => {
    const id = await offerTo('provider60')
    expect((await operate(id, 'refund')).status).toBe(409)
    await pay('provider60', id)
    await product.reaches(id, 'DONE')
    const answers = await Promise.all([operate(id, 'refund'), operate(id, 'refund')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    await until('the refund', async () => (await product.unlock(id)).payments[0].status === 'refunded')
    expect(product.stripe.refunds().filter(({ metadata }) => metadata?.payment_id !== undefined)).toHaveLength(1)
    expect((await operate(id, 'expire')).status).toBe(409)
  })

  it('is written into the audit log with every operation, by key and request', async () => {
    const rows = await product.rows<{ action: string; key_name: string }>(
      `select distinct action, key_name from audit_log where action like 'unlock.%' order by action`,
    )
    for (const { key_name } of rows) expect(key_name).toBe('admin')
    expect((await operate(999_999, 'expire')).status).toBe(404)
  })
})
