import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_FILE_BYTES } from '../../src/api/uploads.ts'
import { until } from '../support/until.ts'
import { ADMIN_KEY, type Harness, startHarness } from './api-harness.ts'

let api: Harness
let address: string
/** The API's end of the newest connection. */
let newest: Socket | undefined
/** As a proxy does: the connection is to be used again. */
const agent = new Agent({ keepAlive: true })
beforeAll(async () => {
  api = await startHarness()
  address = await api.app.listen({ port: 0, host: '127.0.0.1' })
  api.app.server.on('connection', (socket) => {
    newest = socket
  })
})
afterAll(async () => {
  agent.destroy()
  await api.close()
})

const FORM_BEGIN =
  '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
const KINDS = [
  { kind: 'as the body', type: 'text/csv', wrapped: (file: string) => file },
  {
    kind: 'in a form',
    type: 'multipart/form-data; boundary=xyz',
    wrapped: (file: string) => `${FORM_BEGIN}${file}\r\n--xyz--\r\n`,
  },
]

function open(type: string, length: number, keepAlive = false, headers = {}) {
  const sent = httpRequest(`${address}/api/providers/import`, {
    agent: keepAlive ? agent : false,
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': type, 'content-length': length, ...headers },
  })
  return { sent, answered: once(sent, 'response').then(([response]): IncomingMessage => response) }
}

const post = (payload: string, type: string, query = '') =>
  api.inject({
    method: 'POST',
    url: `/api/providers/import${query}`,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': type },
    payload,
  })

/** So many bytes, most of them the spaces that a program may write around values. */
function fileOf(bytes: number): string {
  const blank = `${' '.repeat(64_000)}\n`
  return `id,name,phone\nsize-1,Ann,+13055550181\n${blank.repeat(Math.ceil(bytes / blank.length))}`.slice(0, bytes)
}

describe.each(KINDS)('a file $kind', ({ type, wrapped }) => {
  it('of one byte more than 8 MiB is refused, never cut off and stored', async () => {
    const { status, body } = await post(wrapped(fileOf(MAX_FILE_BYTES + 1)), type)
    expect([status, body.type]).toEqual([413, 'urn:lead-unlock:problem:too-large'])
    expect(await api.rows("select 1 from providers where id = 'size-1'")).toEqual([])
  })

  it.each([
    ['that is kept', true],
    ['that is closed with the answer', false],
  ])(
    'refused long before its end is taken to it: who reads after sending gets the answer, on a connection %s',
    async (_which, keepAlive) => {
      const payload = wrapped(`wrong\n${'x'.repeat(MAX_FILE_BYTES - 10)}`)
      const { sent, answered } = open(type, payload.length, keepAlive)
      sent.end(payload)
      const response = await answered
      expect(response.statusCode).toBe(422)
      await until('all of it to be taken', () => sent.writableFinished)
      response.resume()
      await once(response, 'end')
    },
  )

  it('refused that has no end is not waited for', async () => {
    const sent = httpRequest(`${address}/api/providers/import`, {
      agent: false,
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': type },
    })
    // It is written to when the answer has closed its connection.
    sent.on('error', () => undefined)
    const answered = once(sent, 'response')
    const some = 'x'.repeat(60_000)
    const send = () => void (sent.destroyed || sent.write(some, () => setImmediate(send)))
    sent.write(wrapped('wrong\n').slice(0, type === 'text/csv' ? 6 : FORM_BEGIN.length + 6), send)
    const [response] = await answered
    expect(response.statusCode).toBe(422)
    sent.destroy()
  })

  it('refused that breaks off before its end is noted, and harms nobody', async () => {
    api.log.length = 0
    const { sent, answered } = open(type, MAX_FILE_BYTES, false, { expect: '100-continue' })
    const unanswered = expect(answered).rejects.toThrow('socket hang up')
    sent.flushHeaders()
    await once(sent, 'continue')
    sent.write(wrapped(`wrong\n${'x'.repeat(100_000)}`).slice(0, 50_000))
    await until('it to be read', () => (newest?.bytesRead ?? 0) > 50_000)
    sent.destroy()
    await unanswered
    await until('it to be noted', () => api.log.some((line) => line.includes('"operation":"upload"')))
    expect(api.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })
})

it('a file of 8 MiB is taken', async () => {
  expect((await post(fileOf(MAX_FILE_BYTES), 'text/csv', '?dry_run=true')).body).toMatchObject({ created: 1 })
})

it.each(['dry_run=yes', 'dry_run=1', 'dryrun=true', 'dry_run=true&x=1'])(
  'an import asked for with %s, which says nothing, is refused and not done',
  async (query) => {
    const answer = await post('id,name,phone\nquery-1,Ann,+13055550182', 'text/csv', `?${query}`)
    expect(answer.status).toBe(400)
    expect(await api.rows("select 1 from providers where id = 'query-1'")).toEqual([])
  },
)

it.each(['application/json', 'text/plain'])('a body of %s is not even read where files are taken', async (type) => {
  expect((await post('{', type)).status).toBe(415)
  const { sent, answered } = open(type, MAX_FILE_BYTES)
  sent.write('{')
  expect((await answered).statusCode).toBe(415)
  sent.on('error', () => undefined)
  sent.destroy()
})
