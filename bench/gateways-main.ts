import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Accepted } from './gateways.ts'

/**
 * The gateways of a benchmark, in a process of their own: they accept everything at once, or after the time they are told,
 * and count what they accepted. The sandbox's emulators know more and are slower than what is measured here.
 */
const sent: Accepted[] = []
let answerAfterMs = 0
let created = 0

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await read(request)
  const path = (request.url ?? '/').split('?')[0] ?? '/'
  if (path === '/_control/delay') {
    answerAfterMs = Number(body)
    return reply(response, 200, {})
  }
  if (path === '/_control/sent') {
    const from = Number(body)
    return reply(response, 200, { count: sent.length, sent: sent.slice(from) })
  }
  if (answerAfterMs > 0) await delay(answerAfterMs)
  if (request.method === 'POST' && path === '/api/v2/messages') return reply(response, 201, accept(body))
  if (path.startsWith('/api/v2/')) return reply(response, 200, { page: 1, limit: 100, pageCount: 1, resources: [] })
  if (request.method === 'POST' && path === '/v1/payment_links') return reply(response, 200, paymentLink(body))
  if (path.startsWith('/v1/')) return reply(response, 200, { object: 'list', data: [], has_more: false, url: path })
  return reply(response, 404, {})
}

function accept(body: string): object {
  const { referenceId, phones, text } = JSON.parse(body)
  const id = sent.push({
    reference: String(referenceId),
    phone: phones,
    text,
    at: performance.timeOrigin + performance.now(),
  })
  return { id, href: `/api/v2/messages/${id}`, type: 'message', sessionId: id, bulkId: null, messageId: id }
}

function paymentLink(body: string): object {
  created += 1
  const form = new URLSearchParams(body)
  const metadata = Object.fromEntries(
    [...form].flatMap(([name, value]) => {
      const key = /^metadata\[(\w+)\]$/.exec(name)?.[1]
      return key === undefined ? [] : [[key, value]]
    }),
  )
  const id = `plink_bench_${process.pid}_${created}`
  const url = `https://buy.stripe.com/test_${created}`
  return { id, object: 'payment_link', active: true, url, livemode: false, currency: 'usd', metadata }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_bench' })
  response.end(JSON.stringify(body))
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error)
    response.destroy()
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'))
