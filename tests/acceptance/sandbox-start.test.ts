import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StateDirectory } from '../../src/sandbox/processes/state-directory.ts'
import { SAMPLE_PROVIDERS } from '../../src/sandbox/sample.ts'
import { until } from '../support/until.ts'
import type { Json } from './admin-api.ts'
import { DETAILS, LINK, linkIn, TEASER } from './people.ts'
import { payOnPage, phones } from './phones.ts'
import { allEnded, descendants, type Sandbox, startSandbox } from './sandbox.ts'
import { temporaryState } from './state.ts'

const TIMEOUT_MS = 240_000
const [AMY, BEN] = SAMPLE_PROVIDERS

let state: StateDirectory
/** Each test leaves one running for the next. */
let sandbox: Sandbox

beforeAll(async () => {
  state = await temporaryState()
  sandbox = await startSandbox(state.dir)
}, TIMEOUT_MS)
afterAll(async () => {
  await sandbox?.process.stop()
  state.close()
}, TIMEOUT_MS)

test('npm start says where to look, and prints each SMS of the sample lead', async () => {
  await until('both teasers to be printed', () =>
    ['Amy', 'Ben'].every((who) => sandbox.output().includes(`SMS to ${who}`)),
  )
  expect(sandbox.output()).toMatch(/SMS to Amy \(\+13055550160\)\n {2}\| Amy, new client inquiry in Miami\./)
  const { status, body } = await sandbox.api('GET', `/api/leads/${sandbox.leadId}`)
  expect(status).toBe(200)
  expect(body.unlocks.map(({ provider_id }: Json) => provider_id)).toEqual([AMY.id, BEN.id])
  for (const url of [`${sandbox.apiUrl}/docs`, `${sandbox.pagesUrl}/sandbox`]) {
    expect((await fetch(url)).status).toBe(200)
  }
  const board = await fetch(`${sandbox.apiUrl}/admin/queues`, { headers: { accept: 'text/html' } })
  expect([board.status, board.url]).toEqual([200, `${sandbox.apiUrl}/admin/sign-in`])
})

test('the story is played on a virtual phone and on the payment page', { timeout: TIMEOUT_MS }, async () => {
  const page = phones(sandbox.pagesUrl)
  await page.gets(BEN.id, new RegExp(`${TEASER.source}[^]*${sandbox.leadId}`))
  const events = await page.listen()
  try {
    await page.reply(BEN.phone, `Y ${sandbox.leadId}`)
    await events.told
    const url = linkIn(await page.gets(BEN.id, LINK))
    expect(await payOnPage(url, { card_number: '4000 0000 0000 0002' })).toContain('Your card was declined.')
    expect(await payOnPage(url)).toContain('You paid $20.00')
    expect(await page.gets(BEN.id, DETAILS)).toContain('Name: Sarah Johnson')
    expect(await (await fetch(url)).text()).toContain('This link is closed: it was paid, or the offer is over.')
  } finally {
    await events.close()
  }
})

test('a provider who is added has a phone under their own name, before any text is sent', async () => {
  const shown = async () => {
    const response = await fetch(`${sandbox.pagesUrl}/sandbox/messages`)
    const { phones }: Json = await response.json()
    return phones.map(({ id, name, phone, known }: Json) => [id, name, phone, known])
  }
  await sandbox.api('PUT', '/api/providers/provider70', { name: 'Dana', phone: '+1 305 555 0170' })
  await expect.poll(shown, { timeout: 20_000 }).toContainEqual(['provider70', 'Dana', '+13055550170', true])
  await sandbox.api('PUT', '/api/providers/provider70', { name: 'Dana', phone: '+1 305 555 0171' })
  await expect.poll(shown, { timeout: 20_000 }).toContainEqual(['provider70', 'Dana', '+13055550171', true])
  expect((await shown()).filter(([, , phone]: Json) => phone === '+13055550170')).toEqual([])
})

/** Texts from Amy's phone as soon as there is one, and answers what the API said to it; null when it was not told. */
async function textAtOnce(pagesUrl: string): Promise<number | null> {
  const text = { from: AMY.phone, text: 'Hello' }
  const headers = { 'content-type': 'application/json' }
  const send = () => fetch(`${pagesUrl}/sandbox/replies`, { method: 'POST', headers, body: JSON.stringify(text) })
  let answer: Json
  await until('the phones to be there', async () => {
    answer = await send().then(
      (response) => response.json(),
      () => undefined,
    )
    return answer !== undefined
  })
  return answer.status
}

test('Ctrl-C stops every process; the next start has its data again, also after a kill, and takes the first text', {
  timeout: TIMEOUT_MS,
}, async () => {
  const leadIds = async () => {
    const { body } = await sandbox.api('GET', '/api/leads?limit=100')
    return body.leads.map(({ id }: Json) => id)
  }
  const first = await leadIds()
  const started = descendants(sandbox.process.pid)
  // The guard, Postgres and its own, Redis, the API, the worker.
  expect(started.length).toBeGreaterThanOrEqual(5)
  process.kill(sandbox.process.pid, 'SIGINT')
  expect(await sandbox.process.exited, sandbox.output()).toMatchObject({ code: 0 })
  await allEnded(started)

  const firstText = textAtOnce(sandbox.pagesUrl)
  sandbox = await startSandbox(state.dir)
  expect(await firstText).toBe(200)
  const second = await leadIds()
  expect(second.toSorted()).toEqual([...first, sandbox.leadId].toSorted())

  const orphans = descendants(sandbox.process.pid)
  process.kill(sandbox.process.pid, 'SIGKILL')
  expect(await sandbox.process.exited).toMatchObject({ signal: 'SIGKILL' })
  sandbox = await startSandbox(state.dir)
  await allEnded(orphans)
  expect((await leadIds()).toSorted()).toEqual([...second, sandbox.leadId].toSorted())
})
