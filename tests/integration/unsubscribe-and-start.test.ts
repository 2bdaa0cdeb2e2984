import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTextMagic } from '../../src/gateways/textmagic.ts'
import { makeAttempt } from '../../src/workers/attempt.ts'
import type { WorkerServices } from '../../src/workers/deps.ts'
import { handleReply } from '../../src/workers/jobs/handle-reply.ts'
import { sendNotice } from '../../src/workers/jobs/send-notice.ts'
import { unsubscribeNumber } from '../../src/workers/jobs/unsubscribe-number.ts'
import { type Product, startProduct } from '../support/product.ts'
import { newProvider, STOP_CONFIRMATION, type TestProvider } from '../support/provider.ts'
import { withServices } from '../support/services.ts'

let product: Product
beforeAll(async () => {
  product = await startProduct({ workers: false })
})
afterAll(() => product.close())

const firstOf = (data: object) => ({ id: '1', data, number: 1, of: 14 })

async function hears(services: WorkerServices, provider: TestProvider, text: string): Promise<void> {
  const id = await provider.texts(text)
  const [row] = await product.rows<{ id: string }>('select id from webhook_inbox where external_id = ?', [String(id)])
  expect(await makeAttempt(services, handleReply, firstOf({ inbox_id: Number(row?.id) }))).toEqual({ type: 'done' })
}

/** Sends the newest confirmation of an opt-out. */
async function confirmStop(services: WorkerServices, provider: TestProvider): Promise<void> {
  const [confirmation] = await product.rows<{ id: number }>(
    `select id from outbound_messages where provider_id = ? and purpose = 'stop_confirmation' order by id desc limit 1`,
    [provider.id],
  )
  await makeAttempt(services, sendNotice, firstOf({ message_id: confirmation?.id }))
}

it('who says START while the report of their opt-out waits for its turn is not blocked at the gateway', async () => {
  const dana = await newProvider(product)
  await withServices(product, async (services) => {
    await hears(services, dana, 'REVOKE')
    await confirmStop(services, dana)
    expect(dana.inbox(STOP_CONFIRMATION)).toHaveLength(1)

    const { username, apiKey, apiUrl } = product.config.textmagic
    const limiter = { acquire: () => hears(services, dana, 'START') }
    const textmagic = createTextMagic({ baseUrl: apiUrl, username, apiKey, from: '', limiter })
    const waiting = { ...services, textmagic }
    expect(await makeAttempt(waiting, unsubscribeNumber, firstOf({ provider_id: dana.id }))).toEqual({ type: 'done' })
    await textmagic.close()
    expect((await product.api('GET', `/api/providers/${dana.id}`)).body.provider.opted_out_at).toBeNull()
    expect(product.textmagic.isUnsubscribed(dana.phone)).toBe(false)
  })
})

it('who opts out anew while the report of their opt-out waits for its turn gets its confirmation before they are blocked', async () => {
  const erin = await newProvider(product)
  await withServices(product, async (services) => {
    await hears(services, erin, 'REVOKE')
    await confirmStop(services, erin)

    const { username, apiKey, apiUrl } = product.config.textmagic
    const limiter = {
      async acquire() {
        await hears(services, erin, 'START')
        await hears(services, erin, 'REVOKE')
      },
    }
    const textmagic = createTextMagic({ baseUrl: apiUrl, username, apiKey, from: '', limiter })
    const waiting = { ...services, textmagic }
    expect(await makeAttempt(waiting, unsubscribeNumber, firstOf({ provider_id: erin.id }))).toMatchObject({
      type: 'later',
    })
    await textmagic.close()
    expect(product.textmagic.isUnsubscribed(erin.phone)).toBe(false)
    await confirmStop(services, erin)
    expect(erin.inbox(STOP_CONFIRMATION)).toHaveLength(2)

    expect(await makeAttempt(services, unsubscribeNumber, firstOf({ provider_id: erin.id }))).toEqual({ type: 'done' })
    expect(product.textmagic.isUnsubscribed(erin.phone)).toBe(true)
  })
})
