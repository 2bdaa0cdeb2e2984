import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { type Product, startProduct } from '../support/product.ts'
import { STRANGER } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { type FakeServer, json, startFakeServer } from './gateways-fake-server.ts'

const PAGE_SIZE = 100
const LONG_AGO = '2020-01-01T00:00:00+0000'

type Reply = Record<string, unknown>

let product: Product
let gateway: FakeServer
/** What the gateway lists on a page. */
let list: (page: number) => Reply[]
let nextId = 1

beforeAll(async () => {
  list = () => []
  gateway = await startFakeServer(({ url }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://gateway')
    if (pathname !== '/api/v2/replies') return json(response, 404, { code: 404, message: 'Not Found', errors: null })
    json(response, 200, { resources: list(Number(searchParams.get('page'))) })
  })
  product = await startProduct({ env: { TEXTMAGIC_API_URL: gateway.url, BACKFILL_MINUTES: '0.02' } })
  await product.api('POST', '/api/leads', { ...SAMPLE_LEAD, provider_ids: [] })
})
beforeEach(async () => {
  list = () => []
  await nextRun()
  gateway.received.splice(0)
  await product.rows('delete from backfill_marks')
})
afterAll(async () => {
  await product.close()
  await gateway.close()
})

/** A text as its callback would have brought it, of now. */
function reply(fields: Reply = {}): Reply {
  const id = nextId
  nextId += 1
  const messageTime = new Date().toISOString().replace(/\.\d+Z$/, '+0000')
  return { id, sender: STRANGER, receiver: '13055550100', messageTime, text: `question ${id}`, ...fields }
}

const pageOf = (length: number, fields: Reply = {}) => Array.from({ length }, () => reply(fields))
const pagesAskedFor = () =>
  gateway.received.map(({ url }) => Number(new URL(url, 'http://gateway').searchParams.get('page')))

/** Waits until a run has begun after those under way have ended: they run one after the other in each place. */
async function nextRun(): Promise<void> {
  const before = gateway.received.length
  await until('three more questions', () => gateway.received.length >= before + 3)
}

const inbox = () =>
  product.rows<{ external_id: string; status: string }>(`select external_id, status from webhook_inbox order by id`)

/** Those that nobody can read; what a slow run of an earlier test still stores can be read. */
const unreadable = async () => (await inbox()).filter(({ status }) => status === 'failed')

const allStored = (replies: Reply[]) =>
  until('all of them to be stored', async () => {
    const stored = new Set((await inbox()).map(({ external_id }) => external_id))
    return replies.every(({ id }) => stored.has(String(id)))
  })

const runEnds = () => until('a run to end', async () => (await product.rows('select from backfill_marks')).length === 1)

it('of a gateway that answers every page alike the texts are stored, and it is not asked without end', async () => {
  const newest = pageOf(PAGE_SIZE)
  list = () => newest
  await allStored(newest)
  expect(Math.max(...pagesAskedFor())).toBe(3)
})

it('those before a page are listed though as many as it holds came in meanwhile', async () => {
  const history = pageOf(PAGE_SIZE + 1)
  const oldest = history.slice(-1)
  list = (page) => {
    const from = (page - 1) * PAGE_SIZE
    const listed = history.slice(from, from + PAGE_SIZE)
    if (page === 1) history.unshift(...pageOf(PAGE_SIZE))
    return listed
  }
  await allStored(oldest)
  await runEnds()
})

it('one that does not tell its time does not have the whole history listed', async () => {
  const history = [reply({ messageTime: undefined }), ...pageOf(PAGE_SIZE - 1, { messageTime: LONG_AGO })]
  list = (page) => (page < 20 ? history : [])
  await nextRun()
  await nextRun()
  expect(new Set(pagesAskedFor())).toEqual(new Set([1]))
})

it('one whose time is yet to come does not have those count as listed that are older than it', async () => {
  const odd = [reply({ messageTime: '2099-01-01T00:00:00+0000' })]
  list = () => odd
  await allStored(odd)
  await runEnds()
  const missed = pageOf(PAGE_SIZE + 1)
  list = (page) => missed.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
  await allStored(missed)
})

it('one that cannot be read is kept, and a person is called once', async () => {
  const odd = reply({ text: null })
  list = () => [odd]
  const escalations = () =>
    product.rows<{ kind: string; subject: string }>(
      `select kind, subject from escalations where kind = 'unintelligible_webhook'`,
    )
  await until('a person to be called', async () => (await escalations()).length > 0)
  await nextRun()
  expect(await escalations()).toHaveLength(1)
  expect(await unreadable()).toHaveLength(1)
})

it('one from before the first lead that cannot be read is nobody’s concern', async () => {
  const before = await unreadable()
  list = () => [reply({ text: null, messageTime: LONG_AGO })]
  await nextRun()
  await nextRun()
  expect(await unreadable()).toEqual(before)
})
