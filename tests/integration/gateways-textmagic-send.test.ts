import { Agent, buildConnector, type Dispatcher } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SendClass } from '../../src/domain/outbound.ts'
import { NotDoneError, UnclearError } from '../../src/gateways/errors.ts'
import { createTextMagic, type Sms, type TextMagic } from '../../src/gateways/textmagic.ts'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { failureOf, startFakeServer, unusedUrl } from './gateways-fake-server.ts'

const account = { username: 'lead-unlock', apiKey: 'key-1' }
const sms: Sms = { text: 'Amy, new client inquiry', phone: '+15551230001', reference: 41 }

let emulator: TextMagicEmulator
let client: TextMagic
let slots: SendClass[]

beforeEach(async () => {
  emulator = await startTextMagicEmulator({ ...account, receipts: 'manual' })
  slots = []
  client = clientOf(emulator.url)
})

afterEach(async () => {
  await client.close()
  await emulator.close()
})

function clientOf(baseUrl: string, from = '+14155550100', dispatcher?: Dispatcher): TextMagic {
  const limiter = { acquire: async (sendClass: SendClass) => void slots.push(sendClass) }
  const options = { baseUrl, ...account, from, limiter, timeoutMs: 300 }
  return createTextMagic({ ...options, ...(dispatcher === undefined ? {} : { dispatcher }) })
}

/** Runs `use` with a client of another address, which is closed afterwards. */
async function withClient<T>(baseUrl: string, use: (other: TextMagic) => Promise<T>): Promise<T> {
  const other = clientOf(baseUrl)
  try {
    return await use(other)
  } finally {
    await other.close()
  }
}

test('an SMS is sent once, in the slot taken before, with our reference, and its gateway id is returned', async () => {
  await client.takeSlot('teaser')
  const { gatewayId } = await client.send(sms)
  expect(emulator.messages()).toMatchObject([
    { id: Number(gatewayId), phone: '15551230001', text: sms.text, referenceId: '41', from: '14155550100' },
  ])
  expect(slots).toEqual(['teaser'])
})

test.each([401, 403, 404, 429])('an answer of %i is certainly not done, and may be tried again', async (status) => {
  emulator.faults.add({ kind: 'status', status })
  expect(await failureOf(client.send(sms))).toBeInstanceOf(NotDoneError)
  expect(emulator.messages()).toHaveLength(0)
})

test('a wrong key is told from other failures', async () => {
  emulator.faults.add({
    kind: 'status',
    status: 401,
    body: { code: 401, message: 'Wrong username and token combination.' },
  })
  expect(await failureOf(client.send(sms))).toMatchObject({ code: 'unauthorized' })
})

test('a gateway that cannot be reached is certainly not done', async () => {
  const url = await unusedUrl()
  const failure = await failureOf(withClient(url, (other) => other.send(sms)))
  expect(failure).toBeInstanceOf(NotDoneError)
  expect(failure).toMatchObject({ code: 'unreachable', detail: 'ECONNREFUSED' })
})

test.each(['accept_then_status', 'accept_then_hang', 'accept_then_drop'] as const)(
  'a message that was accepted without our learning it (%s) is unclear, never "not done"',
  async (kind) => {
    emulator.faults.add({ kind })
    expect(await failureOf(client.send(sms))).toBeInstanceOf(UnclearError)
    expect(emulator.messages()).toHaveLength(1)
  },
)

test.each(['hang', 'drop'] as const)('a connection that ends in %s is unclear', async (kind) => {
  emulator.faults.add({ kind })
  expect(await failureOf(client.send(sms))).toBeInstanceOf(UnclearError)
})

test.each([
  ['not JSON', 'OK'],
  ['without an id', '{"type":"message"}'],
  ['with the id of a session only', '{"id":1,"type":"session","messageId":null}'],
])('an acceptance %s is unclear', async (_what, body) => {
  const server = await startFakeServer((_request, response) => response.writeHead(201).end(body))
  try {
    const failure = await failureOf(withClient(server.url, (other) => other.send(sms)))
    expect(failure).toBeInstanceOf(UnclearError)
    expect(failure.code).toBe('unreadable_answer')
  } finally {
    await server.close()
  }
})

test.each([
  ['named beside that of its session', '{"id":1,"type":"session","sessionId":1,"messageId":77}'],
  ['the one of the answer', '{"id":77,"type":"message","sessionId":1,"messageId":null}'],
  ['the only one told', '{"id":"77"}'],
])('the id of an accepted message is %s', async (_which, body) => {
  const server = await startFakeServer((_request, response) => response.writeHead(201).end(body))
  try {
    expect(await withClient(server.url, (other) => other.send(sms))).toEqual({ gatewayId: '77' })
  } finally {
    await server.close()
  }
})

test('an answer that trickles in is given up in time', async () => {
  const server = await startFakeServer((_request, response) => {
    response.writeHead(201)
    const drip = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(drip))
  })
  try {
    const failure = await failureOf(withClient(server.url, (other) => other.send(sms)))
    expect(failure).toBeInstanceOf(UnclearError)
    expect(failure.code).toBe('timeout')
  } finally {
    await server.close()
  }
})

test('a claim that ran out before the call sends nothing', async () => {
  const late = clientOf(emulator.url)
  const failure = await failureOf(late.send({ ...sms, isPastDeadline: () => true }))
  expect(failure).toBeInstanceOf(NotDoneError)
  expect(failure.code).toBe('deadline_passed')
  expect(emulator.messages()).toHaveLength(0)
  await late.close()
})

test('a claim that ran out while its connection was being made sends nothing, and the connection serves the next', async () => {
  let connections = 0
  const connectTo = buildConnector({})
  const dispatcher = new Agent({
    connect(options, callback) {
      connectTo(options, (...connected) => {
        connections += 1
        callback(...connected)
      })
    },
  })
  const client = clientOf(emulator.url, undefined, dispatcher)
  // Still ours when the call is made; by the time the connection stands another worker may have the message.
  const failure = await failureOf(client.send({ ...sms, isPastDeadline: () => connections > 0 }))
  expect(failure).toBeInstanceOf(NotDoneError)
  expect(failure.code).toBe('deadline_passed')
  expect(emulator.messages()).toHaveLength(0)
  await client.send({ ...sms, isPastDeadline: () => false })
  expect(emulator.messages()).toHaveLength(1)
  await client.close()
  await dispatcher.close()
})

test('without a slot nothing is called', async () => {
  const limiter = {
    acquire: async () => {
      throw new NotDoneError('send_limit')
    },
  }
  const limited = createTextMagic({ baseUrl: emulator.url, ...account, from: '', limiter })
  expect(await failureOf(limited.takeSlot('teaser'))).toMatchObject({ code: 'send_limit' })
  expect(await failureOf(limited.getMessage('1'))).toMatchObject({ code: 'send_limit' })
  expect(emulator.maxPerSecond()).toBe(0)
  await limited.close()
})

test('no error holds the number, the text or the key', async () => {
  for (const kind of ['status', 'drop', 'hang', 'accept_then_status'] as const) {
    emulator.faults.add({ kind, body: { message: `${sms.phone} ${sms.text}` } })
    const failure = await failureOf(client.send(sms))
    const told = `${failure.stack} ${JSON.stringify(failure, Object.getOwnPropertyNames(failure))}`
    for (const secret of ['15551230001', sms.text, account.apiKey]) expect(told).not.toContain(secret)
  }
})
