import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { createSendLimit } from '../../src/gateways/send-limit.ts'
import { createTextMagic } from '../../src/gateways/textmagic.ts'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import { testRedis } from '../support/stores.ts'

const account = { username: 'lead-unlock', apiKey: 'key-1' }

test('a gateway that allows 20 requests a second refuses none of two processes, whatever they ask for', async () => {
  const store = testRedis()
  const emulator = await startTextMagicEmulator({ ...account, receipts: 'manual', ratePerSecond: 20 })
  const processes = [1, 2].map(() => {
    const redis = new Redis(store.url, { maxRetriesPerRequest: null })
    const limiter = createSendLimit({ redis, prefix: store.prefix, perSecond: 20, maxWaitMs: 20_000 })
    return { redis, limiter, client: createTextMagic({ baseUrl: emulator.url, ...account, from: '', limiter }) }
  })
  try {
    const sends = processes.flatMap(({ client }, process) =>
      Array.from({ length: 15 }, async (_, index) => {
        const reference = process * 100 + index
        await client.takeSlot('teaser')
        return client.send({ text: 'hello', phone: '+15551230001', reference })
      }),
    )
    const questions = processes.flatMap(({ client }) =>
      Array.from({ length: 4 }, () => [
        client.getMessage('1'),
        client.listReplies({ limit: 100, page: 1 }),
        client.findByReference({ reference: 999, phone: '+15551230001', since: new Date() }),
      ]).flat(),
    )
    const [sent] = await Promise.all([Promise.all(sends), Promise.all(questions)])
    expect(new Set(sent.map(({ gatewayId }) => gatewayId)).size).toBe(30)
    expect(emulator.messages()).toHaveLength(30)
    expect(emulator.maxPerSecond()).toBeLessThanOrEqual(20)
  } finally {
    for (const { redis, limiter, client } of processes) {
      await limiter.close()
      await client.close()
      redis.disconnect()
    }
    await emulator.close()
    await store.close()
  }
})
