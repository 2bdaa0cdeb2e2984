import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import fastify from 'fastify'
import { startTextMagicEmulator } from '../../src/sandbox/textmagic/emulator.ts'
import type { TextMagicEmulator, TextMagicOptions } from '../../src/sandbox/textmagic/types.ts'

const credentials = { username: 'tester', apiKey: 'test-key' }

export type Received = {
  path: string
  token: string | undefined
  contentType: string
  fields: Record<string, unknown>
}

/** An emulator on a free port, with receipts that wait for the test unless told otherwise. */
export function startEmulator(options: Partial<TextMagicOptions> = {}): Promise<TextMagicEmulator> {
  return startTextMagicEmulator({ ...credentials, receipts: 'manual', ...options })
}

/** Calls the emulator's API as a client with the right credentials would. */
export async function call(emulator: TextMagicEmulator, method: string, path: string, body?: unknown) {
  const response = await fetch(`${emulator.url}${path}`, {
    method,
    headers: {
      'x-tm-username': credentials.username,
      'x-tm-key': credentials.apiKey,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** A server that keeps the callbacks it is sent and answers each with the next of `answers`, then with 200. */
export async function startReceiver(answers: number[] = []) {
  const received: Received[] = []
  const app = fastify({ forceCloseConnections: true })
  app.register(formbody)
  app.register(multipart, { attachFieldsToBody: 'keyValues' })
  app.post<{ Body: Record<string, unknown>; Querystring: { token?: string } }>('/*', async (request, reply) => {
    received.push({
      path: request.url.split('?')[0] ?? '',
      token: request.query.token,
      contentType: (request.headers['content-type'] ?? '').split(';')[0] ?? '',
      fields: { ...request.body },
    })
    return reply.code(answers.shift() ?? 200).send()
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, received, close: () => app.close() }
}
