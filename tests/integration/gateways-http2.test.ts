import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { constants, createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import tls, { type TLSSocket } from 'node:tls'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { createHttp, type Http } from '../../src/gateways/http.ts'
import { trustCertificates } from '../../src/trust.ts'
import { failureOf } from './gateways-fake-server.ts'

const fixture = (name: string): Buffer => readFileSync(resolve(import.meta.dirname, '../fixtures/tls', name))

/** What a gateway behind HTTPS does, which offers HTTP/2 and HTTP/1.1. Where each request came from. */
let handle: (request: Http2ServerRequest, response: Http2ServerResponse) => void
let received: number[]
let http: Http
let url: string

beforeEach(async () => {
  const before = tls.getCACertificates('default')
  trustCertificates([fixture('ca.pem').toString()])
  received = []
  const sockets = new Set<TLSSocket>()
  const server = createSecureServer({ cert: fixture('server.pem'), key: fixture('server.key'), allowHTTP1: true })
  server.on('secureConnection', (socket) => sockets.add(socket))
  server.on('request', (request, response) => {
    request.resume().on('end', () => {
      received.push(request.socket.remotePort ?? 0)
      handle(request, response)
    })
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  url = `https://localhost:${port}/`
  http = createHttp({ timeoutMs: 1_000 })
  onTestFinished(async () => {
    await http.close()
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
    tls.setDefaultCACertificates(before)
  })
})

const call = () => http.call({ operation: 'send', method: 'POST', url, body: '{}' })

test('a call is one request, also to a gateway that takes it and says over HTTP/2 that it did not', async () => {
  handle = (request, response) => {
    if (request.httpVersion === '2.0') request.stream.close(constants.NGHTTP2_REFUSED_STREAM)
    else response.writeHead(201).end()
  }
  expect(await call()).toMatchObject({ status: 201 })
  expect(received).toHaveLength(1)
})

test('a connection on which a call was not answered in time is not used for the next one', async () => {
  handle = (_request, response) => {
    if (received.length > 1) response.writeHead(201).end()
  }
  expect(await failureOf(call())).toMatchObject({ code: 'timeout' })
  expect(await call()).toMatchObject({ status: 201 })
  expect(new Set(received).size).toBe(2)
})
