import { afterEach, beforeEach, expect, test } from 'vitest'
import { RequestRate } from '../../src/sandbox/textmagic/request-rate.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { call, startEmulator } from './sandbox-textmagic-harness.ts'

let emulator: TextMagicEmulator

beforeEach(async () => {
  emulator = await startEmulator({ now: () => new Date('2026-03-04T05:06:07.890Z') })
})

afterEach(() => emulator.close())

const send = (body: object) =>
  call(emulator, 'POST', '/api/v2/messages', { text: 'Hello', phones: '12025550101', ...body })

test('an accepted send is answered 201 with the ids of its message and session', async () => {
  expect(await send({ from: '12025550199', referenceId: 42 })).toEqual({
    status: 201,
    body: {
      id: 49576009,
      href: '/api/v2/messages/49576009',
      type: 'message',
      sessionId: 34436600,
      bulkId: null,
      messageId: 49576009,
      scheduleId: null,
      chatId: null,
    },
  })
  expect(emulator.messages()).toEqual([
    {
      id: 49576009,
      sessionId: 34436600,
      phone: '12025550101',
      text: 'Hello',
      referenceId: '42',
      from: '12025550199',
      partsCount: 1,
      charset: 'ISO-8859-1',
      status: 'q',
      rejectReason: null,
      acceptedAt: '2026-03-04T05:06:07.890Z',
    },
  ])
})

test('several phones make one session with a message for each', async () => {
  const { body } = await send({ phones: '12025550101,12025550102', referenceId: '7' })
  expect(body).toMatchObject({ id: 34436600, type: 'session', href: '/api/v2/sessions/34436600', messageId: null })
  const messages = await call(emulator, 'GET', '/api/v2/sessions/34436600/messages')
  expect(messages.body.resources.map((one: { receiver: string }) => one.receiver)).toEqual([
    '12025550102',
    '12025550101',
  ])
  const sessions = await call(emulator, 'GET', '/api/v2/sessions')
  expect(sessions.body.resources).toEqual([
    expect.objectContaining({ id: 34436600, referenceId: '7', numbersCount: 2, startTime: '2026-03-04T05:06:07+0000' }),
  ])
})

test('a send may be form encoded', async () => {
  const response = await fetch(`${emulator.url}/api/v2/messages`, {
    method: 'POST',
    headers: { 'X-TM-Username': 'tester', 'X-TM-Key': 'test-key' },
    body: new URLSearchParams({ text: 'Hello', phones: '12025550101', referenceId: '42', partsCount: '1' }),
  })
  expect(response.status).toBe(201)
  expect(emulator.messages()[0]?.referenceId).toBe('42')
})

test.each([
  ['no phones', { phones: undefined }, 'phones'],
  ['empty phones', { phones: '' }, 'phones'],
  ['a phone with a plus sign', { phones: '+12025550101' }, 'phones'],
  ['one bad phone among good ones', { phones: '12025550101,nobody' }, 'phones'],
  ['no text', { text: undefined }, 'text'],
  ['a blank text', { text: ' \n' }, 'text'],
  ['a reference that is no number', { referenceId: 'unlock-1' }, 'referenceId'],
  ['no parts', { partsCount: 0 }, 'partsCount'],
  ['seven parts', { partsCount: 7 }, 'partsCount'],
  ['161 plain characters in one part', { text: 'x'.repeat(161), partsCount: 1 }, 'text'],
  ['71 characters with one outside GSM-7 in one part', { text: `${'x'.repeat(70)}’`, partsCount: 1 }, 'text'],
  ['81 characters that count twice in one part', { text: '€'.repeat(81), partsCount: 1 }, 'text'],
  ['more than six parts', { text: 'x'.repeat(6 * 153 + 1) }, 'text'],
])('%s: 400 naming the field, and nothing is accepted', async (_what, body, field) => {
  expect(await send(body)).toEqual({
    status: 400,
    body: {
      code: 400,
      message: 'Validation Failed',
      errors: { common: [], fields: { [field]: [expect.any(String)] } },
    },
  })
  expect(emulator.messages()).toEqual([])
})

test.each([
  ['160 plain characters', 'x'.repeat(160), 1, 'ISO-8859-1'],
  ['161 plain characters', 'x'.repeat(161), 2, 'ISO-8859-1'],
  ['306 plain characters', 'x'.repeat(306), 2, 'ISO-8859-1'],
  ['80 characters that count twice', '€'.repeat(80), 1, 'ISO-8859-1'],
  ['154 that count twice, of which no part holds 77', '€'.repeat(154), 3, 'ISO-8859-1'],
  ['70 characters of UCS-2', '’'.repeat(70), 1, 'UTF-16BE'],
  ['71 characters of UCS-2', '’'.repeat(71), 2, 'UTF-16BE'],
  ['36 emoji, of which a part holds 33', '😀'.repeat(36), 2, 'UTF-16BE'],
])('%s are counted as the parts they take', async (_what, text, partsCount, charset) => {
  await send({ text })
  expect(emulator.messages()[0]).toMatchObject({ partsCount, charset })
})

test('cutExtra cuts a text that is too long instead of refusing it', async () => {
  expect((await send({ text: 'x'.repeat(500), partsCount: 2, cutExtra: true })).status).toBe(201)
  expect(emulator.messages()[0]).toMatchObject({ text: 'x'.repeat(306), partsCount: 2 })
})

test('a sender that is not allowed is silently replaced, or answered 400 by accounts set so', async () => {
  emulator.configure({ allowedSenders: ['12025550199'], defaultSender: '12025550100' })
  await send({ from: '12025550111' })
  await send({ from: '12025550199' })
  await send({})
  expect(emulator.messages().map((message) => message.from)).toEqual(['12025550100', '12025550199', '12025550100'])

  emulator.configure({ rejectFrom: true })
  expect(await send({ from: '12025550111' })).toMatchObject({
    status: 400,
    body: { errors: { fields: { from: [{}] } } },
  })
  expect((await send({})).status).toBe(201)
})

test('wrong or missing credentials are answered 401', async () => {
  for (const headers of [{}, { 'X-TM-Username': 'tester', 'X-TM-Key': 'wrong' }]) {
    const response = await fetch(`${emulator.url}/api/v2/replies`, { headers })
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({ code: 401, message: 'Wrong username and token combination.' })
  }
})

test('a message can be looked up by id, with the reference of its session, and an unknown one is 404', async () => {
  await send({ referenceId: 42 })
  expect(await call(emulator, 'GET', '/api/v2/messages/49576009')).toMatchObject({
    status: 200,
    body: {
      id: 49576009,
      receiver: '12025550101',
      text: 'Hello',
      status: 'q',
      rejectReason: null,
      sessionId: 34436600,
      messageTime: '2026-03-04T05:06:07+0000',
      session: { id: 34436600, referenceId: '42' },
    },
  })
  emulator.configure({ embedSession: false })
  expect((await call(emulator, 'GET', '/api/v2/messages/49576009')).body).not.toHaveProperty('session')
  expect(await call(emulator, 'GET', '/api/v2/messages/1')).toEqual({
    status: 404,
    body: { code: 404, message: expect.any(String) },
  })
})

test('lists come newest first in pages, and lastId goes on below an id whatever the page', async () => {
  for (const referenceId of [1, 2, 3]) await send({ referenceId })
  const references = async (path: string) => {
    const { body } = await call(emulator, 'GET', path)
    return { ...body, resources: body.resources.map((one: { id: number }) => one.id) }
  }
  const first = { page: 1, pageCount: 2, limit: 2 }
  expect(await references('/api/v2/sessions?page=1&limit=2')).toEqual({ ...first, resources: [34436602, 34436601] })
  expect(await references('/api/v2/sessions?page=2&limit=2')).toMatchObject({ resources: [34436600] })
  expect(await references('/api/v2/messages?limit=2')).toEqual({ ...first, resources: [49576011, 49576010] })
  expect(await references('/api/v2/messages?limit=2&page=9&lastId=49576010')).toMatchObject({ resources: [49576009] })
  expect(await references('/api/v2/messages?limit=100')).toMatchObject({ limit: 100, pageCount: 1 })
  for (const limit of [0, 101]) expect(await references(`/api/v2/messages?limit=${limit}`)).toMatchObject({ limit: 10 })
})

test('replies are listed by id in either direction', async () => {
  for (const text of ['one', 'two', 'three']) await emulator.reply({ from: '+12025550101', text })
  const texts = async (query: string) => {
    const { body } = await call(emulator, 'GET', `/api/v2/replies?${query}`)
    return body.resources.map((reply: { text: string }) => reply.text)
  }
  expect(await texts('limit=100&orderBy=id&direction=desc')).toEqual(['three', 'two', 'one'])
  expect(await texts('limit=2&orderBy=id&direction=asc')).toEqual(['one', 'two'])
  expect(await texts('limit=2&page=2')).toEqual(['one'])
  expect((await call(emulator, 'GET', '/api/v2/replies?orderBy=text')).status).toBe(400)
})

test('a number unsubscribed by call is listed, once', async () => {
  const created = await call(emulator, 'POST', '/api/v2/unsubscribers', { phone: '12025550101' })
  expect(created).toEqual({ status: 201, body: { id: 77001, href: '/api/v2/unsubscribers/77001' } })
  await call(emulator, 'POST', '/api/v2/unsubscribers', { phone: '12025550101' })
  expect((await call(emulator, 'GET', '/api/v2/unsubscribers')).body).toMatchObject({
    pageCount: 1,
    resources: [{ id: 77001, phone: '12025550101', unsubscribeTime: '2026-03-04T05:06:07+0000' }],
  })
  expect((await call(emulator, 'POST', '/api/v2/unsubscribers', {})).status).toBe(400)
})

test('a send to an unsubscribed number is accepted and ends rejected with reason g', async () => {
  emulator.unsubscribe('+12025550101')
  expect((await send({})).status).toBe(201)
  await emulator.settled()
  expect(await call(emulator, 'GET', '/api/v2/messages/49576009')).toMatchObject({
    body: { status: 'j', rejectReason: 'g' },
  })
})

test.each(['STOP', 'stop ', 'Stopp', 'STOPALL', 'unsubscribe', 'END', 'QUIT', 'CANCEL'])(
  '%j unsubscribes the number by itself, and UNSTOP subscribes it again',
  async (text) => {
    await emulator.reply({ from: '12025550101', text })
    expect(emulator.isUnsubscribed('12025550101')).toBe(true)
    await emulator.reply({ from: '12025550101', text: 'unstop' })
    expect(emulator.isUnsubscribed('12025550101')).toBe(false)
  },
)

test.each(['REVOKE', 'OPT OUT', 'please stop', 'Y'])('%j is no word TextMagic acts on', async (text) => {
  await emulator.reply({ from: '12025550101', text })
  expect(emulator.isUnsubscribed('12025550101')).toBe(false)
})

test('requests are counted per second as they arrive, whatever they ask for, and refused over a limit when one is set', async () => {
  emulator.configure({ ratePerSecond: 3 })
  await call(emulator, 'GET', '/api/v2/replies')
  const statuses = await Promise.all(Array.from({ length: 4 }, async () => (await send({})).status))
  expect(statuses.toSorted()).toEqual([201, 201, 429, 429])
  expect(emulator.maxPerSecond()).toBe(5)
  expect(emulator.messages()).toHaveLength(2)
})

test('the rate is that of any one second, not of seconds on the clock', () => {
  let now = 0
  const rate = new RequestRate(() => now)
  for (const arrival of [0, 700, 900, 1_600, 1_699, 3_000]) {
    now = arrival
    rate.count()
  }
  expect(rate.most).toBe(4)
})

test('a body that is no JSON is 400 without field errors, an unknown path 404', async () => {
  const response = await fetch(`${emulator.url}/api/v2/messages`, {
    method: 'POST',
    headers: { 'X-TM-Username': 'tester', 'X-TM-Key': 'test-key', 'content-type': 'application/json' },
    body: '{',
  })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 400, errors: null })
  expect(await call(emulator, 'GET', '/api/v2/nothing')).toMatchObject({ status: 404, body: { code: 404 } })
})

test('a malformed setting is refused at start and while running', async () => {
  await expect(startEmulator({ inboundUrl: 'not a url' })).rejects.toThrow('/inboundUrl')
  expect(() => emulator.configure({ deliveryDelayMs: -1 })).toThrow('/deliveryDelayMs')
})
