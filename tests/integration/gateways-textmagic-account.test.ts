import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTextMagic, type TextMagic } from '../../src/gateways/textmagic.ts'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { failureOf, json, startFakeServer } from './gateways-fake-server.ts'

const account = { username: 'lead-unlock', apiKey: 'key-1' }
const amy = '+15551230001'
const limiter = { acquire: async () => undefined }

let emulator: TextMagicEmulator
let client: TextMagic

beforeEach(async () => {
  emulator = await startTextMagicEmulator({ ...account, receipts: 'manual' })
  client = createTextMagic({ baseUrl: `${emulator.url}/`, ...account, from: '', limiter, timeoutMs: 2_000 })
})

afterEach(async () => {
  await client.close()
  await emulator.close()
})

test("a message's status and the reason of its rejection are read", async () => {
  const { gatewayId } = await client.send({ text: 'hello', phone: amy, reference: 1 })
  expect(await client.getMessage(gatewayId)).toEqual({ status: 'q', rejectReason: null })
  await emulator.deliver(Number(gatewayId), 'j', 'g')
  expect(await client.getMessage(gatewayId)).toEqual({ status: 'j', rejectReason: 'g' })
})

test('an unknown message is null, a failing gateway is not', async () => {
  expect(await client.getMessage('1')).toBeNull()
  emulator.faults.add({ kind: 'status', status: 500 })
  expect(await failureOf(client.getMessage('1'))).toMatchObject({ code: 'server_error', status: 500 })
})

test('replies come newest first, page by page, until a page is empty', async () => {
  for (const text of ['first', 'second', 'third']) await emulator.reply({ from: amy, text })
  const newest = await client.listReplies({ limit: 2, page: 1 })
  expect(newest).toMatchObject([{ sender: '15551230001', text: 'third' }, { text: 'second' }])
  expect(newest[0]).toHaveProperty('messageTime')
  expect(newest[0]).toHaveProperty('receiver')
  expect(await client.listReplies({ limit: 2, page: 2 })).toMatchObject([{ text: 'first' }])
  expect(await client.listReplies({ limit: 2, page: 3 })).toEqual([])
})

test('paging ends even when the gateway repeats its last page', async () => {
  const server = await startFakeServer((_request, response) =>
    json(response, 200, { page: 1, pageCount: 1, resources: [{ id: 1, text: 'Y' }] }),
  )
  const other = createTextMagic({ baseUrl: server.url, ...account, from: '', limiter })
  expect(await other.listReplies({ limit: 100, page: 1 })).toHaveLength(1)
  expect(await other.listReplies({ limit: 100, page: 2 })).toEqual([])
  await other.close()
  await server.close()
})

test('replies are asked for newest first, and a first page is read though the gateway counts no pages', async () => {
  const server = await startFakeServer((_request, response) =>
    json(response, 200, { page: 1, pageCount: 0, resources: [{ id: 1, text: 'Y' }] }),
  )
  const other = createTextMagic({ baseUrl: server.url, ...account, from: '', limiter })
  expect(await other.listReplies({ limit: 100, page: 1 })).toMatchObject([{ id: 1, text: 'Y' }])
  const asked = new URL(server.received[0]?.url ?? '', server.url).searchParams
  expect(Object.fromEntries(asked)).toEqual({ limit: '100', page: '1', orderBy: 'id', direction: 'desc' })
  await other.close()
  await server.close()
})

test('an odd reply does not hide the others of its page', async () => {
  const server = await startFakeServer((_request, response) =>
    json(response, 200, {
      pageCount: 1,
      resources: [
        { id: 2, text: null, sender: { odd: true } },
        { id: 1, text: 'Y' },
      ],
    }),
  )
  const other = createTextMagic({ baseUrl: server.url, ...account, from: '', limiter })
  expect(await other.listReplies({ limit: 100, page: 1 })).toMatchObject([{ id: 2 }, { id: 1, text: 'Y' }])
  await other.close()
  await server.close()
})

test('an unsubscribed number is blocked at the gateway, and may be unsubscribed again', async () => {
  await client.unsubscribe(amy)
  await client.unsubscribe(amy)
  expect(emulator.isUnsubscribed(amy)).toBe(true)
})

test('a page of whoever stands in for the gateway does not tell that a number is blocked; any answer of its own does', async () => {
  const bodies = ['<html>We are back soon.</html>', '', 'Created', '{"id":7}']
  const server = await startFakeServer((_request, response, count) => response.writeHead(200).end(bodies[count - 1]))
  const other = createTextMagic({ baseUrl: server.url, ...account, from: '', limiter })
  const failure = await failureOf(other.unsubscribe(amy))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'unreadable_answer' })
  for (const _own of bodies.slice(1)) await other.unsubscribe(amy)
  await other.close()
  await server.close()
})

test('what is asked in the background waits behind reveals and links, and asking what became of a message behind all', async () => {
  const waited: string[] = []
  const recording = { acquire: async (sendClass: string) => void waited.push(sendClass) }
  const other = createTextMagic({ baseUrl: emulator.url, ...account, from: '', limiter: recording })
  try {
    await other.getMessage('1')
    await other.listReplies({ limit: 1, page: 1 })
    await other.findByReference({ reference: 1, phone: amy, since: new Date() })
    expect(waited).toEqual(['teaser', 'notice', 'notice'])
    await other.takeSlot('notice')
    await other.unsubscribe(amy)
    expect(waited).toHaveLength(4)
  } finally {
    await other.close()
  }
})
