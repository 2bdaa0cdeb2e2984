import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { expect } from 'vitest'
import { GatewayError } from '../../src/gateways/errors.ts'

export type Received = { method: string; url: string; headers: IncomingMessage['headers']; body: string }
type Handler = (request: Received, response: ServerResponse, count: number) => void

export type FakeServer = {
  url: string
  received: Received[]
  close(): Promise<void>
}

/** A server that answers exactly as `handle` says, for what an emulator of a whole gateway would not say. */
export async function startFakeServer(handle: Handler): Promise<FakeServer> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const whole = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') }
      received.push(whole)
      handle(whole, response, received.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    received,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** An address on which nothing listens. */
export async function unusedUrl(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server.address())
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

function portOf(address: unknown): number {
  if (typeof address !== 'object' || address === null || !('port' in address))
    throw new Error('not listening on a port')
  return Number(address.port)
}

/** The gateway error a call ends in; fails the test when there is none. */
export async function failureOf(call: Promise<unknown>): Promise<GatewayError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(outcome).toBeInstanceOf(GatewayError)
  if (!(outcome instanceof GatewayError)) throw outcome
  return outcome
}
