import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { call, startEmulator, startReceiver } from './sandbox-textmagic-harness.ts'

let receiver: Awaited<ReturnType<typeof startReceiver>>
let emulator: TextMagicEmulator

beforeEach(async () => {
  receiver = await startReceiver()
  emulator = await startEmulator()
})

afterEach(async () => {
  await emulator.close()
  await receiver.close()
})

test('another process can see what was sent, text as a person, and decide what becomes of a message', async () => {
  const urls = { inboundUrl: `${receiver.url}/sms?token=secret`, deliveryUrl: `${receiver.url}/receipts?token=secret` }
  const settings = await call(emulator, 'POST', '/_control/settings', urls)
  expect(settings).toMatchObject({ status: 200, body: { inboundUrl: `${receiver.url}/sms`, receipts: 'manual' } })
  await call(emulator, 'POST', '/api/v2/messages', { text: 'Hello', phones: '12025550101' })

  expect((await call(emulator, 'GET', '/_control/messages')).body).toEqual(emulator.messages())
  expect(await call(emulator, 'POST', '/_control/replies', { from: '+12025550101', text: 'Y' })).toEqual({
    status: 201,
    body: { id: 1782832, status: 200 },
  })
  expect(
    await call(emulator, 'POST', '/_control/messages/49576009/status', { status: 'j', rejectReason: 'g' }),
  ).toEqual({ status: 200, body: { status: 200 } })
  expect(emulator.messages()[0]).toMatchObject({ status: 'j', rejectReason: 'g' })
  expect(receiver.received.map(({ path }) => path)).toEqual(['/sms', '/receipts'])
})

test('another process can decide what automatic receipts say, and see them', async () => {
  await call(emulator, 'POST', '/_control/settings', { receipts: 'auto', deliveryUrl: `${receiver.url}/receipts` })
  await call(emulator, 'POST', '/_control/receipt-outcomes', { phone: '+12025550101', status: 'f' })
  await call(emulator, 'POST', '/api/v2/messages', { text: 'Hello', phones: '12025550101' })
  await emulator.settled()
  expect((await call(emulator, 'GET', '/_control/callbacks')).body).toMatchObject([{ kind: 'delivery', status: 200 }])
  expect(emulator.messages()[0]?.status).toBe('f')
})

test('a misspelt setting, a status that does not exist and an unknown message are refused', async () => {
  expect((await call(emulator, 'POST', '/_control/settings', { inboundURL: null })).status).toBe(400)
  expect((await call(emulator, 'POST', '/_control/messages/1/status', { status: 'x' })).status).toBe(400)
  expect((await call(emulator, 'POST', '/_control/messages/1/status', { status: 'd' })).status).toBe(404)
  expect((await call(emulator, 'POST', '/_control/replies', { from: 'nobody', text: 'Y' })).status).toBe(400)
})

test('the controls never show the webhook token', async () => {
  await call(emulator, 'POST', '/_control/settings', { inboundUrl: `${receiver.url}/sms?token=secret` })
  await emulator.reply({ from: '12025550101', text: 'Y' })
  for (const path of ['settings', 'callbacks', 'messages']) {
    expect(JSON.stringify(await call(emulator, 'GET', `/_control/${path}`))).not.toContain('secret')
  }
})
