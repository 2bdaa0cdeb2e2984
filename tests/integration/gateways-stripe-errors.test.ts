import { expect, test } from 'vitest'
import { NotDoneError, RefusedError, UnclearError } from '../../src/gateways/errors.ts'
import { failureOf, json, startFakeServer, unusedUrl } from './gateways-fake-server.ts'
import { newLink, useStripe } from './gateways-stripe-harness.ts'

const harness = useStripe()

test('a price Stripe does not take is refused for good, with its code and not its words', async () => {
  const failure = await failureOf(harness.stripe.createPaymentLink({ ...newLink, priceCents: 1 }))
  expect(failure).toBeInstanceOf(RefusedError)
  expect(failure.code).toMatch(/^[a-z_]+$/)
  expect(failure.detail).toMatch(/req_/)
})

test('a 500 of Stripe itself is told as one that would only be repeated, and a new attempt gets through', async () => {
  const { emulator, stripe } = harness
  emulator.recordedFaults.add({ kind: 'status' })
  for (const again of [1, 2]) {
    const failure = await failureOf(stripe.createPaymentLink(newLink))
    expect(failure, `time ${again}`).toBeInstanceOf(UnclearError)
    expect(failure).toMatchObject({ code: 'replayable_500', status: 500 })
  }
  await stripe.createPaymentLink({ ...newLink, attempt: 1 })
  expect(emulator.links()).toHaveLength(1)
})

test('a 500 after the link was made is found by looking, not by another attempt', async () => {
  const { emulator, stripe } = harness
  emulator.recordedFaults.add({ kind: 'accept_then_status' })
  expect(await failureOf(stripe.createPaymentLink(newLink))).toMatchObject({ code: 'replayable_500' })
  const [link] = emulator.links()
  const found = await stripe.findActiveLinks({ ...newLink, generations: [newLink.generation] })
  expect(found.get(newLink.generation)).toMatchObject({ id: link?.id })
})

test('the same key with other parameters is unclear, for the first request may have made a link', async () => {
  const { stripe } = harness
  await stripe.createPaymentLink(newLink)
  const failure = await failureOf(stripe.createPaymentLink({ ...newLink, productName: 'Another name' }))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'idempotency_mismatch' })
})

test('a key in use is unclear, and the same key answers later', async () => {
  const { emulator, stripe } = harness
  emulator.faults.add({ kind: 'slow', delay_ms: 800 })
  const first = stripe.createPaymentLink(newLink)
  await expect.poll(() => emulator.links().length).toBe(1)
  expect(await failureOf(stripe.createPaymentLink(newLink))).toMatchObject({ name: 'UnclearError', code: 'in_flight' })
  const made = await first
  expect(await stripe.createPaymentLink(newLink)).toEqual(made)
})

test('an answer lost on the way is unclear, and the same key brings it', async () => {
  const { emulator, stripe, clientOf } = harness
  const impatient = clientOf({ timeoutMs: 200 })
  emulator.faults.add({ kind: 'accept_then_hang' })
  expect(await failureOf(impatient.createPaymentLink(newLink))).toMatchObject({ name: 'UnclearError', code: 'timeout' })
  // The SDK repeats a closed connection once by itself, so two are needed for the caller to hear of it.
  emulator.faults.add({ kind: 'accept_then_drop' })
  emulator.faults.add({ kind: 'drop' })
  const lost = await failureOf(stripe.createPaymentLink({ ...newLink, attempt: 1 }))
  expect(lost).toMatchObject({ name: 'UnclearError', code: 'connection_lost' })
  await stripe.createPaymentLink(newLink)
  expect(emulator.links()).toHaveLength(2)
})

test('what the SDK repeats by itself makes one link', async () => {
  const { emulator, clientOf } = harness
  emulator.faults.add({ kind: 'accept_then_drop' })
  await clientOf({ timeoutMs: 2_000 }).createPaymentLink(newLink)
  expect(emulator.links()).toHaveLength(1)
})

test('Stripe that cannot be reached is certainly not done', async () => {
  const failure = await failureOf(harness.clientOf({ apiUrl: await unusedUrl() }).createPaymentLink(newLink))
  expect(failure).toBeInstanceOf(NotDoneError)
  expect(failure).toMatchObject({ code: 'unreachable', detail: 'ECONNREFUSED' })
})

test.each([
  ['could not be reached', undefined],
  ['refused for too many requests', 429],
  ['refused for its key', 401],
])('a request that was lost and then, repeated by the SDK, %s is unclear', async (_what, status) => {
  const server = await startFakeServer(async (request, response, count) => {
    if (count === 1) {
      response.socket?.destroy()
      if (status === undefined) await server.close()
      return
    }
    json(response, status ?? 500, { error: { type: 'invalid_request_error', message: request.url } })
  })
  const failure = await failureOf(harness.clientOf({ apiUrl: server.url }).createPaymentLink(newLink))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'earlier_attempt_unclear' })
  if (status !== undefined) await server.close()
})

test('a request under a key in use that, repeated by the SDK, is refused for too many requests is unclear', async () => {
  const server = await startFakeServer((_request, response, count) => {
    json(response, count === 1 ? 409 : 429, { error: { type: 'invalid_request_error' } })
  })
  const failure = await failureOf(
    harness.clientOf({ apiUrl: server.url, maxNetworkRetries: 1 }).createPaymentLink(newLink),
  )
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'earlier_attempt_unclear' })
  await server.close()
})

test('too many requests and a wrong key are certainly not done', async () => {
  const { emulator, stripe, clientOf } = harness
  emulator.faults.add({
    kind: 'status',
    status: 429,
    body: { error: { type: 'invalid_request_error', code: 'rate_limit' } },
  })
  expect(await failureOf(stripe.createPaymentLink(newLink))).toMatchObject({
    name: 'NotDoneError',
    code: 'rate_limited',
  })
  const stranger = clientOf({ secretKey: 'sk_test_other' })
  expect(await failureOf(stranger.createPaymentLink(newLink))).toMatchObject({
    name: 'NotDoneError',
    code: 'unauthorized',
  })
})

test.each([
  ['a 500 without an error', 500, '{}', 'UnclearError', 'replayable_500'],
  ['a 502 page', 502, '<html>', 'UnclearError', 'replayable_500'],
  ['a 401 page', 401, '<html>', 'NotDoneError', 'unauthorized'],
  ['a restricted key without the permission', 403, '{"error":{"message":"no"}}', 'NotDoneError', 'unauthorized'],
  ['a 429 without an error', 429, '{}', 'NotDoneError', 'rate_limited'],
  ['a 200 page', 200, '<html>', 'UnclearError', 'unreadable_answer'],
  ['a 200 of null', 200, 'null', 'UnclearError', 'unreadable_answer'],
  ['a 200 of a text', 200, '"OK"', 'UnclearError', 'unreadable_answer'],
  ['a 502 of a text', 502, '"Bad gateway"', 'UnclearError', 'replayable_500'],
  ['a 429 of a number', 429, '429', 'NotDoneError', 'rate_limited'],
  ['a 408, after which the request may still be at work', 408, '<html>', 'UnclearError', 'unexpected_status'],
  ['a 425', 425, '<html>', 'NotDoneError', 'rate_limited'],
  ['a 404 that is not of Stripe', 404, '<html>', 'NotDoneError', 'not_found'],
  ['a 404 of Stripe', 404, '{"error":{"code":"resource_missing"}}', 'RefusedError', 'resource_missing'],
  ['a link without a URL', 200, '{"id":"plink_1","metadata":{}}', 'UnclearError', 'unreadable_answer'],
  ['a redirect', 302, '{}', 'UnclearError', 'unreadable_answer'],
])('%s is not taken for a link', async (_what, status, body, name, code) => {
  const server = await startFakeServer((_request, response) => response.writeHead(status).end(body))
  const failure = await failureOf(harness.clientOf({ apiUrl: server.url }).createPaymentLink(newLink))
  expect(failure).toMatchObject({ name, code })
  await server.close()
})

test('an answer that trickles in holds neither the caller for ever nor the connection', async () => {
  let isCutOff = false
  const server = await startFakeServer((_request, response) => {
    response.writeHead(200)
    const drip = setInterval(() => response.write(' '), 100)
    response.on('close', () => {
      clearInterval(drip)
      isCutOff = true
    })
  })
  const client = harness.clientOf({ apiUrl: server.url })
  const failure = await failureOf(client.createPaymentLink(newLink))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'timeout' })
  await expect.poll(() => isCutOff).toBe(true)
  await server.close()
})

test('an answer longer than any of Stripe is not read to its end', async () => {
  let isCutOff = false
  const part = ' '.repeat(1024 * 1024)
  const server = await startFakeServer((_request, response) => {
    response.writeHead(200)
    const write = () => response.write(part, (error) => (error == null ? write() : undefined))
    write()
    response.on('close', () => {
      isCutOff = true
    })
  })
  const client = harness.clientOf({ apiUrl: server.url, timeoutMs: 20_000 })
  const failure = await failureOf(client.createPaymentLink(newLink))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'connection_lost' })
  await expect.poll(() => isCutOff).toBe(true)
  await server.close()
})

test('an answer that breaks off is unclear', async () => {
  const server = await startFakeServer((_request, response) => {
    response.writeHead(200, { 'content-length': 500 })
    response.write('{"id":"plink_1",', () => response.socket?.destroy())
  })
  const failure = await failureOf(harness.clientOf({ apiUrl: server.url }).createPaymentLink(newLink))
  expect(failure).toBeInstanceOf(UnclearError)
  await server.close()
})

test('no error holds the secret key or what was sent', async () => {
  const { emulator, stripe } = harness
  const error = {
    type: 'invalid_request_error',
    message: `No such thing: ${newLink.productName}`,
    param: newLink.productName,
  }
  emulator.faults.add({ kind: 'status', status: 400, body: { error } })
  const failure = await failureOf(stripe.createPaymentLink(newLink))
  const told = `${failure.stack} ${JSON.stringify(failure, Object.getOwnPropertyNames(failure))}`
  for (const secret of ['sk_test_1', newLink.productName, newLink.inactiveMessage]) expect(told).not.toContain(secret)
})

test('closing lets a call in flight end, and later calls are certainly not done', async () => {
  const { emulator, stripe } = harness
  emulator.faults.add({ kind: 'slow', delay_ms: 200 })
  const call = stripe.createPaymentLink(newLink)
  await expect.poll(() => emulator.links().length).toBe(1)
  await stripe.close()
  expect((await call).id).toMatch(/^plink_/)
  // A connection that is cut would be made again by the SDK.
  expect(emulator.requestLog()).toHaveLength(1)
  expect(await failureOf(stripe.createPaymentLink(newLink))).toMatchObject({ name: 'NotDoneError', code: 'closed' })
})
