import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { sendTeaser } from '../../src/workers/jobs/send-teaser.ts'
import { type Product, startProduct } from '../support/product.ts'
import { withServices } from '../support/services.ts'

/** Longer than the half of a lease in which a call may begin. */
const LONG_MS = 20_000

let product: Product
beforeAll(async () => {
  product = await startProduct({ workers: false })
})
afterAll(() => product.close())

it.each([
  { what: 'a process that stood still', provider: 'provider60', clock: performance },
  // The clock of `performance` stands still with the machine; the other is set right when it goes on.
  { what: 'a machine that was suspended', provider: 'provider61', clock: Date },
])('$what between claim and call does not send what another may have sent since', async ({ provider, clock }) => {
  const { unlocks } = await product.offer([provider])
  await withServices(product, async (services) => {
    const { textmagic } = services
    const late: typeof textmagic = {
      ...textmagic,
      async send(sms) {
        const now = clock.now.bind(clock)
        const later = vi.spyOn(clock, 'now').mockImplementation(() => now() + LONG_MS)
        try {
          return await textmagic.send(sms)
        } finally {
          later.mockRestore()
        }
      },
    }
    const attempt = { id: '1', data: { unlock_id: unlocks[provider] }, number: 1, of: 14 }
    expect(await makeAttempt({ ...services, textmagic: late }, sendTeaser, attempt)).toEqual({
      type: 'failed',
      code: 'deadline_passed',
    })
    expect(product.inboxOf(provider)).toEqual([])
    expect(await makeAttempt(services, sendTeaser, attempt)).toEqual({ type: 'done' })
    expect(product.inboxOf(provider)).toHaveLength(1)
  })
})
