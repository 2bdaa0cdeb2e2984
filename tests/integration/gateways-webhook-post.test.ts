import { afterEach, beforeEach, expect, test } from 'vitest'
import { createWebhookPost, type WebhookPost } from '../../src/gateways/webhook-post.ts'
import { type FakeServer, failureOf, startFakeServer, unusedUrl } from './gateways-fake-server.ts'

let webhooks: WebhookPost
let status: number | 'hang' | 'drop' | 'never ends' | 'huge'
let server: FakeServer

beforeEach(async () => {
  status = 200
  webhooks = createWebhookPost({ timeoutMs: 200 })
  server = await startFakeServer((_request, response) => {
    if (status === 'drop') response.socket?.destroy()
    else if (status === 'never ends') response.writeHead(200).write('{')
    else if (status === 'huge') response.writeHead(200).end(Buffer.alloc(9 * 1024 * 1024))
    else if (status !== 'hang') response.writeHead(status, { location: '/elsewhere' }).end()
  })
})

afterEach(async () => {
  await webhooks.close()
  await server.close()
})

test.each([
  ['application/json; charset=utf-8', '{"id":1,"text":"Grüße"}'],
  ['application/x-www-form-urlencoded', 'id=1&text=Hello+there'],
  ['multipart/form-data; boundary=xyz', '--xyz\r\ncontent-disposition: form-data; name="id"\r\n\r\n1\r\n--xyz--\r\n'],
])('a body of type %s is passed on unchanged', async (contentType, body) => {
  await webhooks.forward(`${server.url}/sms?token=t-1`, { body: Buffer.from(body), contentType })
  expect(server.received).toMatchObject([
    { method: 'POST', url: '/sms?token=t-1', body, headers: { 'content-type': contentType } },
  ])
})

test('an alert is posted as JSON', async () => {
  await webhooks.postJson(`${server.url}/hook`, { text: 'Reveal failed: unlock 12' })
  expect(server.received[0]?.headers['content-type']).toBe('application/json')
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ text: 'Reveal failed: unlock 12' })
})

test.each([
  [400, 'RefusedError', 'invalid_request'],
  [410, 'RefusedError', 'invalid_request'],
  [401, 'NotDoneError', 'unauthorized'],
  [404, 'NotDoneError', 'not_found'],
  [429, 'NotDoneError', 'rate_limited'],
  [302, 'UnclearError', 'unexpected_status'],
  [408, 'UnclearError', 'unexpected_status'],
  [503, 'UnclearError', 'server_error'],
  ['hang', 'UnclearError', 'timeout'],
  ['drop', 'UnclearError', 'connection_lost'],
] as const)('an answer of %s is a %s, and nothing is repeated or followed', async (answer, name, code) => {
  status = answer
  expect(await failureOf(webhooks.postJson(server.url, {}))).toMatchObject({ name, code })
  expect(server.received).toHaveLength(1)
})

test.each(['never ends', 'huge'] as const)(
  'a 200 is success though what follows it is %s: the receiver has the message',
  async (answer) => {
    status = answer
    await webhooks.postJson(server.url, {})
    expect(server.received).toHaveLength(1)
  },
)

test('no error holds the URL, whose path or query may be a secret', async () => {
  status = 500
  const urls = [
    `${server.url}/T0K3N`,
    `${await unusedUrl()}/T0K3N`,
    'http://host.invalid/T0K3N',
    'T0K3N',
    'ftp://T0K3N',
  ]
  for (const url of urls) {
    const failure = await failureOf(webhooks.postJson(url, {}))
    expect(`${failure.stack} ${JSON.stringify(failure, Object.getOwnPropertyNames(failure))}`).not.toContain('T0K3N')
    expect(failure.cause).toBeUndefined()
  }
})

test('a URL that is none, or of another protocol, is certainly not done', async () => {
  for (const url of ['', 'nowhere', 'ftp://host/x']) {
    expect(await failureOf(webhooks.postJson(url, {}))).toMatchObject({ name: 'NotDoneError' })
  }
})

test('closing lets a call in flight end, and later calls are certainly not done', async () => {
  const call = webhooks.postJson(server.url, {})
  await webhooks.close()
  await call
  expect(server.received).toHaveLength(1)
  expect(await failureOf(webhooks.postJson(server.url, {}))).toMatchObject({ name: 'NotDoneError' })
})
