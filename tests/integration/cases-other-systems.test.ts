import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeAttempt } from '../../src/workers/attempt.ts'
import { alert } from '../../src/workers/jobs/alert.ts'
import { closeChecked } from '../support/invariants.ts'
import { type Product, startProduct } from '../support/product.ts'
import { newProvider, STRANGER } from '../support/provider.ts'
import { withServices } from '../support/services.ts'
import { settled } from '../support/settled.ts'
import { calm, escalated, failedJob, hurryUntil, moveClock } from '../support/steering.ts'
import { until } from '../support/until.ts'

/** Seconds after which the sweep repeats an alert that could not be delivered. */
const BEYOND_GRACE = 120

let product: Product
let others: Server
/** What the fallback system and the alert webhook answer, by path, and what they took. */
const status: Record<string, number> = {}
let taken: { path: string; body: string }[] = []

beforeAll(async () => {
  others = createServer((request, response) => {
    const path = request.url ?? ''
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = status[path] ?? 200
      if (answer === 200) taken.push({ path, body: Buffer.concat(chunks).toString('utf8') })
      response.writeHead(answer).end()
    })
  })
  await new Promise<void>((resolve) => others.listen(0, '127.0.0.1', resolve))
  const { port } = others.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  product = await startProduct({
    env: { FALLBACK_SMS_WEBHOOK_URL: `${url}/fallback`, OPS_ALERT_WEBHOOK_URL: `${url}/alert` },
  })
})
beforeEach(async () => {
  for (const path of Object.keys(status)) delete status[path]
  await calm(product)
  taken = []
})
afterAll(async () => {
  await closeChecked(product)
  others.closeAllConnections()
  await new Promise<void>((resolve) => others.close(() => resolve()))
})

const takenBy = (path: string) => taken.filter((one) => one.path === path).map(({ body }) => body)
const text = (words: string) => product.textmagic.reply({ from: STRANGER, text: words })
const openForwards = async () => {
  const rows = await product.rows<{ open: boolean }>(
    `select resolved_at is null as open from escalations where kind = 'forward_failed' order by id`,
  )
  return rows.filter(({ open }) => open).length
}

describe('a message for the fallback system', () => {
  it('is passed on once that system is back', async () => {
    status['/fallback'] = 503
    await text('Is Friday free?')
    await until('the failed attempt', async () => {
      return ((await product.publisher.queues.get('forward-message')?.getDelayed()) ?? []).length > 0
    })
    status['/fallback'] = 200
    await hurryUntil(product, 'forward-message', 'the forward', () => takenBy('/fallback').length > 0)
    await calm(product)
    expect(takenBy('/fallback')).toEqual([expect.stringContaining('Is Friday free?')])
  })

  it('that it refuses for good calls a person; Retry passes it on and resolves the escalation', async () => {
    status['/fallback'] = 400
    const { id } = await text('Is Saturday free?')
    await until('the escalation', async () => (await openForwards()) === 1)
    const [row] = await product.rows<{ id: string }>('select id from webhook_inbox where external_id = ?', [String(id)])
    const job = await failedJob(product, 'forward-message', { inbox_id: Number(row?.id) })
    status['/fallback'] = 200
    await job.retry('failed')
    await until('the forward', () => takenBy('/fallback').length > 0)
    await until('the escalation to be resolved', async () => (await openForwards()) === 0)
  })
})

describe('an alert', () => {
  /** Runs its job, as a second wake-up would. */
  const tell = (escalation_id: number) =>
    withServices(product, async (services) => {
      const outcome = await makeAttempt(services, alert, { id: '1', data: { escalation_id }, number: 1, of: 5 })
      expect(outcome).toEqual({ type: 'done' })
    })
  const openOf = async (unlockId: number) => {
    const [row] = await product.rows<{ id: number }>(
      'select id from escalations where unlock_id = ? and resolved_at is null',
      [unlockId],
    )
    return row?.id ?? 0
  }

  it('is sent once, however often its job runs', async () => {
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await product.stripe.payLink(url, { amount: 100 })
    await until('the alert', () => takenBy('/alert').length > 0)
    await settled(product)
    await tell(await openOf(unlockId))
    expect(takenBy('/alert')).toHaveLength(1)
  })

  it('is not sent any more once a person has resolved what it is about', async () => {
    status['/alert'] = 500
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await product.stripe.payLink(url, { amount: 100 })
    await escalated(product, unlockId, 'wrong_amount')
    const id = await openOf(unlockId)
    expect((await product.api('POST', `/api/escalations/${id}/resolve`, {})).status).toBe(200)
    delete status['/alert']
    await tell(id)
    expect(takenBy('/alert')).toEqual([])
    expect((await product.api('POST', `/api/unlocks/${unlockId}/refund`)).status).toBe(200)
  })

  it('that could not be delivered is repeated until it is, however often that was tried', async () => {
    status['/alert'] = 500
    const dana = await newProvider(product)
    const { unlockId, url } = await dana.hasLink()
    await product.stripe.payLink(url, { amount: 100 })
    const job = 'alert'
    await hurryUntil(product, job, 'the attempts to be used up', async () => {
      return ((await product.publisher.queues.get(job)?.getFailed()) ?? []).length > 0
    })
    await product.rows('update escalations set attempts = 30 where unlock_id = ?', [unlockId])
    status['/alert'] = 200
    await moveClock(product, BEYOND_GRACE)
    await until('the alert', () => takenBy('/alert').length > 0)
    expect(takenBy('/alert')).toEqual([expect.stringContaining(`for unlock ${unlockId} is 100 usd, not 2000 usd`)])
  })
})
