import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openDatabase } from '../../src/db/postgres/orm.ts'
import { NODE_COMPILE_CACHE } from '../../src/sandbox/product-processes.ts'
import { createTestDatabase, type TestDatabase, testRedis } from '../support/stores.ts'

/** Starting a process takes seconds on a busy machine. */
const TIMEOUT = 90_000
const ADMIN_KEY = 'admin-key-for-tests-of-the-process'

let database: TestDatabase
const running: ChildProcess[] = []
beforeAll(async () => {
  database = await createTestDatabase({ migrated: true })
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
})
afterAll(() => database.drop())

type Started = {
  child: ChildProcess
  lines: string[]
  errors: string[]
  line(message: string): Promise<Record<string, unknown>>
}

/** The API process as in production, with an environment of its own. */
function start(env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, ['src/api/server.ts'], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE,
      DATABASE_URL: database.url,
      REDIS_URL: testRedis().url,
      PORT: '0',
      ADMIN_API_KEY: ADMIN_KEY,
      STRIPE_SECRET_KEY: 'sk_test_x',
      STRIPE_WEBHOOK_SECRET: 'whsec_x',
      TEXTMAGIC_USERNAME: 'user',
      TEXTMAGIC_API_KEY: 'key',
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  const lines: string[] = []
  const errors: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const check of waiting) check()
  })
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  const line = (message: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const check = () => {
        const found = lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === message)
        if (found !== undefined) resolve(found)
      }
      waiting.add(check)
      check()
      child.once('exit', () =>
        reject(new Error(`ended before it said "${message}": ${[...lines, ...errors].join('\n')}`)),
      )
    })
  return { child, lines, errors, line }
}

const exit = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

it('a request under way is answered before it stops', { timeout: TIMEOUT }, async () => {
  const api = start()
  const { port } = await api.line('listening')
  const body = '{"id": 1, "sender": "13055550160", "text": "Y"}'
  const socket = connect(Number(port), '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data
  })
  socket.write(
    `POST /webhook/textmagic HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  )
  await once(socket, 'connect')
  // Answered over another connection, so the first one's headers have been read as well.
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  api.child.kill('SIGTERM')
  await api.line('stopping')
  socket.write(body.slice(10))
  await once(socket, 'close')
  expect(answer).toMatch(/^HTTP\/1.1 200 /)
  expect(await exit(api.child)).toBe(0)
  for (const text of api.lines) expect(JSON.parse(text)).toMatchObject({ process: 'api' })
})

it('an export under way is read to its end before it stops', { timeout: TIMEOUT }, async () => {
  const db = await openDatabase({ url: database.url, poolSize: 1 })
  await db.em.fork().execute(
    `with lead as (insert into leads (id, city, service_type, client_name, client_phone)
       values ('lead_exported', repeat('long ', 4000), 'x', 'x', 'x') returning id),
     many as (insert into providers (id, name, phone)
       select 'many' || n, 'Many', '+1' || (2000000000 + n) from generate_series(1, 1000) n returning id)
     insert into lead_unlocks (lead_id, provider_id, price_cents, currency, ttl_expires_at)
     select lead.id, many.id, 2000, 'usd', app_now() from lead, many`,
  )
  await db.close(true)
  const api = start()
  const { port } = await api.line('listening')
  const agent = new Agent({ keepAlive: true })
  const sent = request({
    port: Number(port),
    path: '/api/unlocks/export',
    agent,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  api.child.kill('SIGTERM')
  await api.line('stopping')
  let size = 0
  for await (const chunk of response) size += chunk.length
  expect(size).toBeGreaterThan(1000 * 20_000)
  expect(await exit(api.child)).toBe(0)
  agent.destroy()
})

/** A request whose body does not come to its end, at an API that has read what there is of it. */
async function sendHalf(port: unknown): Promise<Socket> {
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('POST /webhook/textmagic HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{')
  await once(socket, 'connect')
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  return socket
}

it('a connection that hangs does not keep it for longer than its bound', { timeout: TIMEOUT }, async () => {
  const api = start()
  const { port } = await api.line('listening')
  const socket = await sendHalf(port)
  api.child.kill('SIGTERM')
  const since = performance.now()
  expect(await exit(api.child)).toBe(1)
  expect(performance.now() - since).toBeLessThan(20_000)
  socket.destroy()
})

it('on a port that is taken it ends with 1', { timeout: TIMEOUT }, async () => {
  const taken: Server = createServer()
  await once(taken.listen(0, '0.0.0.0'), 'listening')
  const address = taken.address()
  try {
    const api = start({ PORT: String(typeof address === 'object' ? address?.port : '') })
    expect(await exit(api.child)).toBe(1)
    expect(api.lines.join('\n')).toContain('EADDRINUSE')
  } finally {
    await new Promise((resolve) => taken.close(resolve))
  }
})

it('while Redis is away it starts, takes webhooks, and stops', { timeout: TIMEOUT }, async () => {
  const api = start({ REDIS_URL: 'redis://127.0.0.1:1' })
  const { port } = await api.line('listening')
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
  const body = JSON.stringify({ id: 2, sender: '13055550160', text: 'Y' })
  expect((await fetch(`http://127.0.0.1:${port}/webhook/textmagic`, { method: 'POST', body })).status).toBe(200)
  api.child.kill('SIGTERM')
  expect(await exit(api.child)).toBe(0)
})
