import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Phone } from '../../src/sandbox/phones/conversations.ts'
import { registerPhonesPage } from '../../src/sandbox/phones/routes.ts'
import type { TextMagicEmulator } from '../../src/sandbox/textmagic/types.ts'
import { call, startEmulator } from './sandbox-textmagic-harness.ts'

let emulator: TextMagicEmulator
let app: FastifyInstance
let owners: Phone[]

const amy = { id: 'provider60', name: 'Amy', phone: '+12025550101' }

beforeEach(async () => {
  emulator = await startEmulator()
  app = fastify()
  owners = [amy]
  registerPhonesPage(app, {
    textmagic: emulator,
    phones: async () => owners,
    links: [{ title: 'Queues <&>', url: '/admin/queues?a=1&b="2"' }],
  })
})

afterEach(async () => {
  await app.close()
  await emulator.close()
})

const send = (phones: string, text = 'Hello') => call(emulator, 'POST', '/api/v2/messages', { text, phones })

test('each phone has what it received and sent, and a number of nobody known is shown too', async () => {
  await send('12025550101,12025550102')
  await emulator.deliver(49576009, 'd')
  await emulator.reply({ from: '+12025550101', text: 'STOP' })
  const { phones } = (await app.inject('/sandbox/messages')).json()
  expect(phones).toEqual([
    {
      ...amy,
      known: true,
      unsubscribed: true,
      messages: [
        expect.objectContaining({ key: 'message-49576009', direction: 'received', text: 'Hello', status: 'd' }),
        expect.objectContaining({ key: 'reply-1782832', direction: 'sent', text: 'STOP', status: null }),
      ],
    },
    expect.objectContaining({ phone: '+12025550102', known: false, unsubscribed: false }),
  ])
})

test('of thousands of providers those who have texts are shown, and of the others as many as fit on a page', async () => {
  const many = Array.from({ length: 3_000 }, (_, index) => `${index + 1_000}`)
  owners = [...many.map((end) => ({ id: `import${end}`, name: `No. ${end}`, phone: `+1202556${end}` })), amy]
  await send('12025550101,12025563999')
  const { phones }: { phones: { name: string }[] } = (await app.inject('/sandbox/messages')).json()
  expect(phones.slice(0, 3).map(({ name }) => name)).toEqual(['No. 3999', 'Amy', 'No. 1000'])
  expect(phones).toHaveLength(102)
})

test('a reply from the page becomes a text from that person', async () => {
  const payload = { from: '+12025550101', text: 'Y' }
  const response = await app.inject({ method: 'POST', url: '/sandbox/replies', payload })
  expect([response.statusCode, response.json()]).toEqual([201, { id: 1782832, status: null }])
  expect(emulator.replies()).toMatchObject([{ from: '12025550101', text: 'Y' }])
})

test.each([{ from: 'nobody', text: 'Y' }, { from: '+12025550101', text: '' }, { text: 'Y' }])(
  'a reply that cannot be one is refused: %j',
  async (payload) => {
    expect((await app.inject({ method: 'POST', url: '/sandbox/replies', payload })).statusCode).toBe(400)
    expect(emulator.replies()).toEqual([])
  },
)

test('the page loads nothing from elsewhere, runs only its own script, and escapes its links', async () => {
  const response = await app.inject('/sandbox')
  const nonce = /script-src 'nonce-([^']+)'/.exec(String(response.headers['content-security-policy']))?.[1]
  expect(nonce).toBeDefined()
  expect(response.body).toContain(`<script nonce="${nonce}">`)
  expect(response.body).not.toMatch(/(src|href)="https?:/)
  expect(response.body).toContain('Queues &lt;&amp;&gt;</a>')
  expect(response.body).toContain('href="/admin/queues?a=1&amp;b=&quot;2&quot;"')
})

test('a link that would run script stops the app from starting', async () => {
  const other = fastify()
  const links = [{ title: 'bad', url: 'javascript:alert(1)' }]
  registerPhonesPage(other, { textmagic: emulator, phones: async () => [], links })
  await expect(other.ready()).rejects.toThrow('http(s) addresses and paths only')
})

test('the event stream tells of changes, and closing the app ends it', async () => {
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const response = await fetch(`${url}/sandbox/events`)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const chunks: string[] = []
  const ended = (async () => {
    for await (const chunk of response.body ?? []) chunks.push(new TextDecoder().decode(chunk))
  })()
  await send('12025550101')
  await expect.poll(() => chunks.join(''), { timeout: 10_000 }).toContain('event: change')
  await app.close()
  await ended
})
