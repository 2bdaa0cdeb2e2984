import { afterEach, beforeEach, expect, test } from 'vitest'
import { UnclearError } from '../../src/gateways/errors.ts'
import { createTextMagic, type TextMagic } from '../../src/gateways/textmagic.ts'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { failureOf, json, startFakeServer } from './gateways-fake-server.ts'

const account = { username: 'lead-unlock', apiKey: 'key-1' }
const amy = '+15551230001'
const bob = '+15551230002'
const since = new Date('2026-03-01T12:00:00Z')

let now: Date
let emulator: TextMagicEmulator
let client: TextMagic
let calls: number

beforeEach(async () => {
  now = since
  emulator = await startTextMagicEmulator({ ...account, receipts: 'manual', now: () => now })
  client = clientOf(emulator.url)
})

afterEach(async () => {
  await client.close()
  await emulator.close()
})

function clientOf(baseUrl: string): TextMagic {
  calls = 0
  const limiter = {
    acquire: async () => {
      calls += 1
    },
  }
  return createTextMagic({ baseUrl, ...account, from: '', limiter, timeoutMs: 2_000 })
}

async function send(phone: string, reference: number, times = 1): Promise<string[]> {
  const ids: string[] = []
  for (let sent = 0; sent < times; sent += 1) {
    ids.push((await client.send({ text: 'hello', phone, reference })).gatewayId)
  }
  return ids
}

test('a send whose answer was lost is found by its reference', async () => {
  emulator.faults.add({ kind: 'accept_then_status' })
  expect(await failureOf(send(amy, 41))).toBeInstanceOf(UnclearError)
  const [message] = emulator.messages()
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toEqual({
    gatewayId: String(message?.id),
  })
})

test('a send that never arrived is absent', async () => {
  await send(amy, 40)
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toBeNull()
})

test('the same reference of another environment on the account, to another number, is not ours', async () => {
  const [ours] = await send(amy, 41)
  await send(bob, 41)
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toMatchObject({ gatewayId: ours })
  expect(await client.findByReference({ reference: 41, phone: '+15551230003', since })).toBeNull()
})

test('a message is found behind a page of newer ones', async () => {
  const [ours] = await send(amy, 41)
  await send(bob, 1, 130)
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toMatchObject({ gatewayId: ours })
})

test('the search ends at sends from well before the message was first tried', async () => {
  now = new Date('2026-02-28T12:00:00Z')
  await send(amy, 41)
  await send(bob, 1, 130)
  now = since
  calls = 0
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toBeNull()
  expect(calls).toBe(1)
})

test('a message of long ago that had the same reference and receiver is not ours', async () => {
  now = new Date('2026-02-27T12:00:00Z')
  await send(amy, 41)
  now = since
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toBeNull()
  const [ours] = await send(amy, 41)
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toMatchObject({ gatewayId: ours })
})

test('a page of which no time can be read does not end the search', async () => {
  const server = await startFakeServer(({ url }, response) => {
    const page = new URL(url, 'http://x').searchParams.get('page')
    const session = { id: `${page}`, referenceId: page === '2' ? '41' : null, startTime: null }
    const resources = url.startsWith('/api/v2/sessions/2/') ? [{ id: '77', receiver: amy }] : [session]
    json(response, 200, { page: Number(page), limit: 1, pageCount: 2, resources })
  })
  const other = clientOf(server.url)
  expect(await other.findByReference({ reference: 41, phone: amy, since })).toEqual({ gatewayId: '77' })
  await other.close()
  await server.close()
})

test('a clock that differs by minutes does not hide a message', async () => {
  now = new Date(since.getTime() - 4 * 60_000)
  const [ours] = await send(amy, 41)
  await send(bob, 1, 130)
  expect(await client.findByReference({ reference: 41, phone: amy, since })).toMatchObject({ gatewayId: ours })
})

test.each([
  ['a number', 41],
  ['text', '41'],
])(
  'a reference that comes back as %s is recognised, and ones that are null or absent are passed over',
  async (_as, referenceId) => {
    const server = await startFakeServer(({ url }, response) => {
      const sessions = [
        { id: 3, referenceId: null, startTime: null },
        { id: 2, startTime: 'soon' },
        { id: '1', referenceId, startTime: '2026-03-01 11:59:59' },
      ]
      const resources = url.startsWith('/api/v2/sessions/1/') ? [{ id: '77', receiver: amy, status: 'd' }] : sessions
      json(response, 200, { page: 1, limit: 100, pageCount: 1, resources })
    })
    const other = clientOf(server.url)
    expect(await other.findByReference({ reference: 41, phone: amy, since })).toEqual({ gatewayId: '77' })
    await other.close()
    await server.close()
  },
)

test('a message whose list tells no status is found all the same', async () => {
  const server = await startFakeServer(({ url }, response) => {
    const isOfSession = url.includes('/messages')
    json(response, 200, {
      resources: isOfSession ? [{ id: 77, receiver: amy.slice(1) }] : [{ id: 1, referenceId: '41' }],
    })
  })
  const other = clientOf(server.url)
  expect(await other.findByReference({ reference: 41, phone: amy, since })).toEqual({ gatewayId: '77' })
  await other.close()
  await server.close()
})

test('a message whose list tells no receiver is found all the same', async () => {
  const server = await startFakeServer(({ url }, response) => {
    json(response, 200, { resources: url.includes('/messages') ? [{ id: 77 }] : [{ id: 1, referenceId: '41' }] })
  })
  const other = clientOf(server.url)
  expect(await other.findByReference({ reference: 41, phone: amy, since })).toEqual({ gatewayId: '77' })
  await other.close()
  await server.close()
})

test('a list that answers every page alike, and not how many there are, has ended', async () => {
  const server = await startFakeServer((_request, response) => {
    json(response, 200, { resources: [{ id: 1, referenceId: '7', startTime: since.toISOString() }] })
  })
  const other = clientOf(server.url)
  expect(await other.findByReference({ reference: 41, phone: amy, since })).toBeNull()
  await other.close()
  await server.close()
})

test('a message is found though as many as a page holds were sent between two looks, and no number of pages is told', async () => {
  const sessions = [{ id: 1, referenceId: '41' }, ...Array.from({ length: 150 }, (_, index) => ({ id: index + 2 }))]
  const server = await startFakeServer(({ url }, response) => {
    if (url.includes('/messages')) return json(response, 200, { resources: [{ id: 77, receiver: amy }] })
    const from = (Number(new URL(url, 'http://gateway').searchParams.get('page')) - 1) * 100
    json(response, 200, { resources: sessions.toReversed().slice(from, from + 100) })
    if (from === 0) sessions.push(...Array.from({ length: 100 }, (_, index) => ({ id: index + 1_000 })))
  })
  const other = clientOf(server.url)
  expect(await other.findByReference({ reference: 41, phone: amy, since })).toEqual({ gatewayId: '77' })
  await other.close()
  await server.close()
})

test('a session of ours that shows no message yet is unclear, not absent', async () => {
  const server = await startFakeServer(({ url }, response) =>
    json(response, 200, { pageCount: 1, resources: url.includes('/messages') ? [] : [{ id: 1, referenceId: '41' }] }),
  )
  const other = clientOf(server.url)
  expect(await failureOf(other.findByReference({ reference: 41, phone: amy, since }))).toMatchObject({
    name: 'UnclearError',
    code: 'session_without_messages',
  })
  await other.close()
  await server.close()
})

test('not having looked far enough is unclear, not absent', async () => {
  const server = await startFakeServer((_request, response) =>
    json(response, 200, {
      pageCount: 100_000,
      resources: [{ id: 1, referenceId: '1', startTime: since.toISOString() }],
    }),
  )
  const other = clientOf(server.url)
  expect(await failureOf(other.findByReference({ reference: 41, phone: amy, since }))).toMatchObject({
    name: 'UnclearError',
    code: 'not_looked_far_enough',
  })
  await other.close()
  await server.close()
})

test('one session with an odd time does not end the search', async () => {
  const server = await startFakeServer(({ url }, response) => {
    const pages = [
      [
        { id: 9, referenceId: '5', startTime: '2001-01-01T00:00:00+0000' },
        { id: 8, referenceId: '6', startTime: since.toISOString() },
      ],
      [{ id: 7, referenceId: '41', startTime: since.toISOString() }],
    ]
    const page = Number(new URL(url, 'http://gateway').searchParams.get('page'))
    const resources = url.includes('/messages') ? [{ id: 77, receiver: amy, status: 'r' }] : pages[page - 1]
    json(response, 200, { pageCount: url.includes('/messages') ? 1 : 2, resources })
  })
  const other = clientOf(server.url)
  expect(await other.findByReference({ reference: 41, phone: amy, since })).toEqual({ gatewayId: '77' })
  await other.close()
  await server.close()
})

test('a failing search never answers "absent"', async () => {
  for (const status of [401, 429, 500]) {
    emulator.faults.add({ kind: 'status', status })
    await failureOf(client.findByReference({ reference: 41, phone: amy, since }))
  }
  emulator.faults.add({ kind: 'accept_then_status', status: 200, body: { resources: 'none' } })
  expect(await failureOf(client.findByReference({ reference: 41, phone: amy, since }))).toMatchObject({
    code: 'unreadable_answer',
  })
})

test('every page takes a slot of the send limit', async () => {
  await send(bob, 1, 130)
  calls = 0
  await client.findByReference({ reference: 41, phone: amy, since })
  expect(calls).toBe(2)
})
