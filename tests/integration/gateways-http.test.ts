import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createHttp } from '../../src/gateways/http.ts'
import type { GatewayCall } from '../../src/gateways/observer.ts'
import { failureOf, startFakeServer } from './gateways-fake-server.ts'

const operation = 'textmagic send'

// Left to the HTTP client, it would be told after ten seconds, whatever the limit of the call.
test('a host with which no connection comes about in time is told so within the limit: nothing was sent', {
  timeout: 9_000,
}, async () => {
  const { port } = await startSilentServer()
  const call = open(1_000).call({ operation, method: 'POST', url: `https://127.0.0.1:${port}/`, body: '{}' })
  expect(await failureOf(call)).toMatchObject({ name: 'NotDoneError', code: 'unreachable' })
})

test('an answer far larger than any of a gateway is not taken into memory, and what it answered may have been done', async () => {
  const server = await startFakeServer((_request, response) => response.end(Buffer.alloc(9 * 1024 * 1024, ' ')))
  onTestFinished(() => server.close())
  const failure = await failureOf(open(60_000).call({ operation, method: 'GET', url: server.url }))
  expect(failure).toMatchObject({ name: 'UnclearError', code: 'connection_lost' })
})

test.each([
  [200, { outcome: 'ok' }],
  [204, { outcome: 'ok' }],
  [302, { outcome: 'unclear', code: 'unexpected_status' }],
  [400, { outcome: 'refused', code: 'invalid_request' }],
  [500, { outcome: 'unclear', code: 'server_error' }],
])('a call that was answered %i is counted as what it came to', async (status, counted) => {
  const server = await startFakeServer((_request, response) => response.writeHead(status, { location: '/' }).end())
  onTestFinished(() => server.close())
  const calls: GatewayCall[] = []
  const answer = await open(60_000, calls).call({ operation, method: 'GET', url: server.url })
  expect(answer.status).toBe(status)
  expect(calls).toEqual([{ operation, ms: expect.any(Number), ...counted }])
})

function open(timeoutMs: number, calls: GatewayCall[] = []) {
  const http = createHttp({ timeoutMs, observe: (call) => calls.push(call) })
  onTestFinished(() => http.close())
  return http
}

/** Takes connections, and neither answers nor ends them. */
async function startSilentServer(): Promise<{ port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    // Reset by whoever gives up.
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening on a port')
  return address
}
