import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Product, startProduct } from '../support/product.ts'
import { newProvider, TEASER } from '../support/provider.ts'
import { until } from '../support/until.ts'

const SEND = { method: 'POST', path: '/api/v2/messages' }
const MINUTES_10 = 600_000

let product: Product
beforeAll(async () => {
  product = await startProduct({ ledgerTiming: { leaseMs: 30_000, settleMs: MINUTES_10, answeredSettleMs: 100 } })
})
afterAll(() => product.close())

it.each(['status', 'accept_then_status'] as const)(
  'a text that the gateway itself answered 500 is looked for soon (%s)',
  async (kind) => {
    const dana = await newProvider(product)
    product.textmagic.faults.add({ ...SEND, kind, status: 500 })
    const { unlockId } = await dana.isOffered()
    await product.reaches(unlockId, 'AWAIT_CONFIRM')
    expect(dana.inbox(TEASER)).toHaveLength(1)
  },
)

it.each([
  { name: 'no answer at all', fault: { kind: 'accept_then_drop' } },
  { name: 'the answer of whoever stands in front of it', fault: { kind: 'accept_then_status', status: 504 } },
] as const)('with $name it may still be at it, and has its time', async ({ fault }) => {
  const dana = await newProvider(product)
  // A receipt would be proof.
  product.textmagic.configure({ receipts: 'manual' })
  product.textmagic.faults.add({ ...SEND, ...fault })
  const { unlockId } = await dana.isOffered()
  const waits = () =>
    product.rows<{ long: boolean }>(
      `select lease_until > app_now() + interval '5 minutes' as long from outbound_messages
       where unlock_id = ? and status = 'unknown'`,
      [unlockId],
    )
  await until('its outcome to be unclear', async () => (await waits()).length === 1)
  expect(await waits()).toEqual([{ long: true }])
})
