import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { RefusedError } from '../../src/gateways/errors.ts'
import { createTextMagic, SENDER_REFUSED, type Sms, type TextMagic } from '../../src/gateways/textmagic.ts'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { failureOf, json, startFakeServer } from './gateways-fake-server.ts'

const account = { username: 'lead-unlock', apiKey: 'key-1' }
const sms: Sms = { text: 'Amy, new client inquiry', phone: '+15551230001', reference: 41 }
const ACCEPTED = { status: 201, body: { id: 7, type: 'message' } }

let emulator: TextMagicEmulator
let client: TextMagic

beforeEach(async () => {
  emulator = await startTextMagicEmulator({ ...account, receipts: 'manual' })
  client = clientOf(emulator.url)
})

afterEach(async () => {
  await client.close()
  await emulator.close()
})

function clientOf(baseUrl: string, from = '+14155550100'): TextMagic {
  return createTextMagic({ baseUrl, ...account, from, limiter: { acquire: async () => undefined } })
}

/** A gateway that answers each text so, and a client of it. */
async function gatewayThat(answers: { status: number; body: object }, from?: string) {
  const { url, received, close } = await startFakeServer((_request, response) =>
    json(response, answers.status, answers.body),
  )
  const other = clientOf(url, from)
  onTestFinished(async () => {
    await other.close()
    await close()
  })
  return { other, received, bodies: () => received.map(({ body }) => JSON.parse(body)) }
}

test('the reference is sent as a plain number, and the text is never cut', async () => {
  const { other, received, bodies } = await gatewayThat(ACCEPTED)
  expect(await other.send(sms)).toEqual({ gatewayId: '7' })
  expect(received).toMatchObject([
    { method: 'POST', url: '/api/v2/messages', headers: { 'x-tm-username': 'lead-unlock', 'x-tm-key': 'key-1' } },
  ])
  expect(bodies()).toEqual([
    {
      text: sms.text,
      phones: '15551230001',
      from: '14155550100',
      referenceId: 41,
      partsCount: 6,
      cutExtra: false,
    },
  ])
})

test('an account without a number of its own has the gateway choose the sender', async () => {
  const { other, bodies } = await gatewayThat(ACCEPTED, '')
  await other.send(sms)
  expect(bodies()).toMatchObject([{ text: sms.text, phones: '15551230001' }])
  expect(bodies()[0]).not.toHaveProperty('from')
})

test('a sender that may be refused is told from other failures, and is left out when asked', async () => {
  emulator.configure({ rejectFrom: true })
  const failure = await failureOf(client.send(sms))
  expect(failure).toBeInstanceOf(RefusedError)
  expect(failure).toMatchObject({ code: SENDER_REFUSED, status: 400 })
  expect(emulator.messages()).toHaveLength(0)
  await client.send({ ...sms, withoutSender: true })
  expect(emulator.messages()).toHaveLength(1)
})

test('a message refused for another reason than its sender is refused for good, naming the field and not the text', async () => {
  const failure = await failureOf(client.send({ ...sms, text: 'x'.repeat(2_000), withoutSender: true }))
  expect(failure).toBeInstanceOf(RefusedError)
  expect(failure).toMatchObject({ code: 'invalid_request', status: 400, detail: 'text' })
  expect(String(failure)).not.toContain('xxx')
  expect(emulator.messages()).toHaveLength(0)
})

test('a field that is refused is not named where its name may quote the number or the text', async () => {
  const fields = { '15551230001': ['is wrong'], 'hello you': ['is wrong'] }
  const body = { code: 400, message: 'Validation Failed', errors: { common: [], fields } }
  const { other } = await gatewayThat({ status: 400, body })
  const failure = await failureOf(other.send({ ...sms, withoutSender: true }))
  expect(failure).toMatchObject({ code: 'invalid_request', detail: undefined })
})

test('without a sender of ours, a text that is refused is refused for good', async () => {
  const { other, received } = await gatewayThat({ status: 400, body: { code: 400, errors: null } }, '')
  expect(await failureOf(other.send(sms))).toBeInstanceOf(RefusedError)
  expect(received).toHaveLength(1)
})

test.each(['5551230001', '+1 555 123 0001', ''])(
  'a phone not in E.164 (%j) is refused without a call',
  async (phone) => {
    const { other, received } = await gatewayThat(ACCEPTED)
    expect(await failureOf(other.send({ ...sms, phone }))).toMatchObject({ code: 'invalid_phone' })
    expect(received).toEqual([])
  },
)

test.each([1.5, 2 ** 53, Number.NaN])(
  'a reference by which no text is found again (%d) is refused without a call',
  async (reference) => {
    const { other, received } = await gatewayThat(ACCEPTED)
    expect(await failureOf(other.send({ ...sms, reference }))).toMatchObject({ code: 'invalid_reference' })
    expect(received).toEqual([])
  },
)
