import { afterEach, expect, test } from 'vitest'
import type { TextMagicEmulator, TextMagicOptions } from '../../src/sandbox/textmagic/types.ts'
import { call, startEmulator, startReceiver } from './sandbox-textmagic-harness.ts'

const opened: { close: () => Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function start(options: Partial<TextMagicOptions> = {}, answers: number[] = []) {
  const receiver = await startReceiver(answers)
  opened.push(receiver)
  const emulator = await startEmulator({
    inboundUrl: `${receiver.url}/sms?token=secret`,
    deliveryUrl: `${receiver.url}/receipts?token=secret`,
    deliveryDelayMs: 1,
    ...options,
  })
  opened.push(emulator)
  return { emulator, receiver }
}

const send = (emulator: TextMagicEmulator, body: object = {}) =>
  call(emulator, 'POST', '/api/v2/messages', { text: 'Hello', phones: '12025550101', referenceId: 42, ...body })

const at = new Date('2012-11-28T18:38:28Z')

test('a text from a person is posted with the documented fields, and can be fetched as a reply', async () => {
  const { emulator, receiver } = await start()
  const answer = await emulator.reply({ from: '+447860021130', text: 'Y', at, to: '447624800500' })
  expect(answer).toEqual({ id: 1782832, status: 200 })
  expect(receiver.received).toEqual([
    {
      path: '/sms',
      token: 'secret',
      contentType: 'application/json',
      fields: expect.objectContaining({
        id: 1782832,
        sender: '447860021130',
        receiver: '447624800500',
        messageTime: '2012-11-28T18:38:28+0000',
        text: 'Y',
      }),
    },
  ])
  const replies = await call(emulator, 'GET', '/api/v2/replies')
  expect(replies.body.resources).toEqual([receiver.received[0]?.fields])
})

test.each([
  ['urlencoded', 'application/x-www-form-urlencoded'],
  ['multipart', 'multipart/form-data'],
] as const)('callbacks in %s carry every value as text', async (encoding, contentType) => {
  const { emulator, receiver } = await start({ encoding })
  await emulator.reply({ from: '447860021130', text: 'Ünï & co=1', at })
  await send(emulator)
  await emulator.deliver(49576009, 'd')
  expect(receiver.received).toEqual([
    {
      path: '/sms',
      token: 'secret',
      contentType,
      fields: expect.objectContaining({ id: '1782832', text: 'Ünï & co=1', messageTime: '2012-11-28T18:38:28+0000' }),
    },
    {
      path: '/receipts',
      token: 'secret',
      contentType,
      fields: expect.objectContaining({ id: '49576009', status: 'd', referenceId: '42', firstName: '' }),
    },
  ])
})

test('a person answers the number that texted them last', async () => {
  const { emulator, receiver } = await start()
  await send(emulator, { from: '12025550199' })
  await emulator.reply({ from: '12025550101', text: 'Y' })
  expect(receiver.received[0]?.fields).toMatchObject({ receiver: '12025550199' })
})

test('a reply repeated under its id is posted again and stored once', async () => {
  const { emulator, receiver } = await start()
  await emulator.reply({ from: '12025550101', text: 'Y', id: 1_900_000 })
  await emulator.reply({ from: '12025550101', text: 'Y', id: 1_900_000 })
  expect(receiver.received.map(({ fields }) => fields.id)).toEqual([1_900_000, 1_900_000])
  expect(emulator.replies()).toHaveLength(1)
  expect((await emulator.reply({ from: '12025550101', text: 'N' })).id).toBe(1_900_001)
})

test('an automatic receipt follows acceptance with the documented fields', async () => {
  const { emulator, receiver } = await start({ receipts: 'auto' })
  await send(emulator, { from: '12025550199' })
  await emulator.settled()
  expect(receiver.received.map(({ fields }) => fields)).toEqual([
    {
      id: 49576009,
      sender: '12025550199',
      receiver: '12025550101',
      text: 'Hello',
      price: 0.04,
      status: 'd',
      partsCount: 1,
      messageTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/),
      charset: 'ISO-8859-1',
      firstName: null,
      lastName: null,
      country: 'US',
      referenceId: '42',
    },
  ])
  expect(emulator.messages()[0]?.status).toBe('d')
})

test('receipts are posted for d, f, j and u only; other statuses are seen by asking', async () => {
  const { emulator, receiver } = await start()
  await send(emulator)
  for (const status of ['s', 'r', 'a', 'b', 'e', 'g', 'd', 'f', 'j', 'u'] as const) {
    await emulator.deliver(49576009, status)
    const { body } = await call(emulator, 'GET', '/api/v2/messages/49576009')
    expect(body.status).toBe(status)
  }
  expect(receiver.received.map(({ fields }) => fields.status)).toEqual(['d', 'f', 'j', 'u'])
})

test('what automatic receipts say can be set for a phone', async () => {
  const { emulator, receiver } = await start({ receipts: 'auto' })
  emulator.setReceiptOutcome('+12025550101', 'f', 'e')
  await send(emulator, { phones: '12025550101,12025550102' })
  await emulator.settled()
  expect(emulator.messages().map(({ status, rejectReason }) => [status, rejectReason])).toEqual([
    ['f', 'e'],
    ['d', null],
  ])
  expect(receiver.received).toHaveLength(2)
})

test('a status set by hand is not overwritten by the automatic receipt', async () => {
  const { emulator } = await start({ receipts: 'auto', deliveryDelayMs: 20 })
  await send(emulator)
  await emulator.deliver(49576009, 'f')
  await emulator.settled()
  expect(emulator.messages()[0]?.status).toBe('f')
})

test('a receipt can be posted before the send is answered', async () => {
  const { emulator, receiver } = await start({ receipts: 'auto', receiptBeforeAnswer: true })
  emulator.faults.add({ kind: 'accept_then_drop', method: 'POST', path: '/api/v2/messages' })
  await expect(send(emulator)).rejects.toThrow()
  expect(receiver.received.map(({ fields }) => fields.referenceId)).toEqual(['42'])
})

test('a send to an unsubscribed number is told rejected even when receipts are manual', async () => {
  const { emulator, receiver } = await start()
  emulator.unsubscribe('12025550101')
  await send(emulator)
  await emulator.settled()
  expect(receiver.received.map(({ fields }) => fields.status)).toEqual(['j'])
})

test('STOP is posted like any text, or kept to itself when the account is set so', async () => {
  const { emulator, receiver } = await start()
  expect((await emulator.reply({ from: '12025550101', text: 'STOP' })).status).toBe(200)
  emulator.configure({ stopReachesCallback: false })
  expect((await emulator.reply({ from: '12025550102', text: 'STOP' })).status).toBeNull()
  expect(emulator.isUnsubscribed('12025550102')).toBe(true)
  expect(receiver.received).toHaveLength(1)
  expect(emulator.replies()).toHaveLength(2)
})

test('a callback not answered 200 is not repeated, and is recorded without the token', async () => {
  const { emulator, receiver } = await start({}, [503])
  expect(await emulator.reply({ from: '12025550101', text: 'Y' })).toEqual({ id: 1782832, status: 503 })
  await emulator.settled()
  expect(emulator.callbacks()).toMatchObject([{ kind: 'inbound', id: 1782832, path: '/sms', status: 503 }])
  expect(receiver.received).toHaveLength(1)
  expect(JSON.stringify(emulator.callbacks())).not.toContain('secret')
})

test('a reply whose callback nobody takes can still be fetched', async () => {
  const { emulator, receiver } = await start()
  await receiver.close()
  expect((await emulator.reply({ from: '12025550101', text: 'Y' })).status).toBeNull()
  await emulator.settled()
  expect(emulator.callbacks()).toMatchObject([{ status: null, error: 'ECONNREFUSED' }])
  expect((await call(emulator, 'GET', '/api/v2/replies')).body.resources).toHaveLength(1)
})

test('callbacks go where they are sent last', async () => {
  const { emulator, receiver } = await start({ inboundUrl: null })
  expect((await emulator.reply({ from: '12025550101', text: 'one' })).status).toBeNull()
  emulator.configure({ inboundUrl: `${receiver.url}/elsewhere`, encoding: 'urlencoded' })
  await emulator.reply({ from: '12025550101', text: 'two' })
  expect(receiver.received.map(({ path, fields }) => [path, fields.text])).toEqual([['/elsewhere', 'two']])
})

test('closing cancels what waits', async () => {
  // Longer than a test may take.
  const { emulator } = await start({ receipts: 'auto', deliveryDelayMs: 3_600_000 })
  await send(emulator)
  await emulator.close()
  await emulator.settled()
})

test('delivering a message that was never accepted is an error', async () => {
  const { emulator } = await start()
  await expect(emulator.deliver(1, 'd')).rejects.toThrow('no message 1')
})
