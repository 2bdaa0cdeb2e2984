import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SAMPLE_LEAD } from '../../src/sandbox/sample.ts'
import { until } from '../support/until.ts'
import { adminApi, answerOf, type Json } from './admin-api.ts'
import { DEPLOY_MS, type Deployment, deploy } from './deployment.ts'
import { logLines } from './logs.ts'
import { DETAILS, newPerson, offeredWithLink, type Person, reaches, STEP_MS } from './people.ts'
import { type QueueBoard, queueBoard } from './queue-board.ts'

/** Any of these is enough to find the client, or to know who they are. */
const CONTACT_DETAILS = ['Sarah', 'Johnson', '1234567890', 'sarah.johnson', 'email.com', 'Ocean Drive', '33139']

let deployment: Deployment

beforeAll(async () => {
  deployment = await deploy({ env: { LOG_LEVEL: 'trace' } })
}, DEPLOY_MS)
afterAll(() => deployment?.close())

test('the queue board opens to whoever signs in with a key, and takes no orders from other sites', async () => {
  const { secrets } = deployment
  const board = queueBoard(deployment)
  expect(await board.call('GET', '/')).toMatchObject({ status: 303 })
  expect(await board.signIn('guessed')).toBe(401)
  expect(await board.call('GET', '/api/queues')).toMatchObject({ status: 401 })
  expect(await board.call('PUT', '/api/queues/reveal/pause')).toMatchObject({ status: 401 })

  for (const key of [secrets.operatorApiKey, secrets.adminApiKey]) {
    expect(await board.signIn(key)).toBe(303)
    expect(await board.call('PUT', '/api/queues/reveal/pause', 'cross-site')).toMatchObject({ status: 403 })
    expect(await board.call('PUT', '/api/queues/reveal/obliterate')).toMatchObject({ status: 403 })
    const page = await board.call('GET', '/')
    expect(page.status).toBe(200)
    expect(page.body).toContain('Lead Unlock')
    const { body } = await board.call('GET', '/api/queues')
    expect(body.queues.find(({ name }: Json) => name === 'reveal')).toMatchObject({
      isPaused: false,
      readOnlyMode: false,
    })
  }
})

test('a reveal that the SMS gateway refuses for good waits in the queue board; a retry there completes it', async () => {
  const amy = await newPerson(deployment, 'Amy')
  const { unlockId } = await payWhileTextsAreRefused(amy)

  const [escalation] = await escalationsOf(unlockId)
  expect(escalation).toMatchObject({ kind: 'reveal_failed', subject: `unlock:${unlockId}`, resolved_at: null })
  expect(amy.inbox(DETAILS)).toEqual([])
  expect((await reaches(deployment, unlockId, 'PAID')).unlock.unlocked_at).toBeNull()
  const alert = await alertAbout(unlockId)
  expect(alert.contentType).toContain('application/json')
  expect(JSON.parse(alert.body)).toEqual({ text: expect.stringContaining('[reveal_failed]') })
  expectNoContactDetails('the alert', alert.body)

  const board = await signedInBoard()
  await until('the failed job to be on the board', async () => (await failedReveals(unlockId)).length > 0)
  const [job] = await failedReveals(unlockId)
  expect(job).toMatchObject({ name: 'reveal', data: { unlock_id: unlockId }, failedReason: 'invalid_request' })
  expect((await board.retry('reveal', job.id)).status).toBeLessThan(300)

  await reaches(deployment, unlockId, 'DONE')
  expect(amy.inbox(DETAILS)).toHaveLength(1)
  expect(await failedReveals(unlockId)).toEqual([])
  await expect
    .poll(() => escalationsOf(unlockId), { timeout: STEP_MS })
    .toMatchObject([{ kind: 'reveal_failed', resolved_at: expect.any(String), resolved_by: 'reveal accepted' }])
})

test('no log line, Redis key, job, URL, alert or stored text holds a contact detail, whatever went wrong', async () => {
  const ben = await newPerson(deployment, 'Ben')
  const { leadId, unlockId } = await payWhileTextsAreRefused(ben)
  const [job] = await failedReveals(unlockId)
  await (await signedInBoard()).retry('reveal', job.id)
  await reaches(deployment, unlockId, 'DONE')
  await callTheApiWrongly(leadId)
  // A reply asks for the details again: one more text that holds them.
  await ben.texts('Y')
  await until('the details to be sent again', () => ben.inbox(DETAILS).length === 2)
  await deployment.textmagic.settled()
  await deployment.stripe.webhooksIdle()

  expect(ben.inbox(DETAILS)[0]).toContain('Sarah Johnson')
  for (const file of readdirSync(join(deployment.dir, 'logs'))) {
    const log = readFileSync(join(deployment.dir, 'logs', file), 'utf8')
    expectNoContactDetails(`the log ${file}`, log)
    for (const secret of Object.values(deployment.secrets)) expect(log.includes(secret), `${file}: secret`).toBe(false)
  }
  for (const name of ['api', 'worker']) expect(logLines(deployment, name).length, name).toBeGreaterThan(20)
  const keys = await deployment.redis.dump()
  expect(keys.some((key) => key.includes('unlock_id'))).toBe(true)
  expectNoContactDetails('Redis', keys.join('\n'))
  expectNoContactDetails('the URLs called', deployment.received.map(({ url }) => url).join('\n'))
  expectNoContactDetails('the requests to Stripe', JSON.stringify(deployment.stripe.requestLog()))
  expectNoContactDetails('the payment pages', JSON.stringify(deployment.stripe.links()))
  expectNoContactDetails('what other systems got', JSON.stringify(deployment.received))
  const rows = await everyRow()
  expect(rows.some((row) => row.startsWith('leads ') && row.includes(leadId))).toBe(true)
  expectNoContactDetails('the database', rows.join('\n'))
})

/** The provider pays, but the gateway refuses the text with the details, quoting it in its answer. */
async function payWhileTextsAreRefused(person: Person) {
  const offered = await offeredWithLink(deployment, person)
  const { client_name, client_phone, client_email, exact_address } = SAMPLE_LEAD
  const quoted = `Text is not allowed: ${client_name} ${client_phone} ${client_email} ${exact_address}`
  deployment.textmagic.faults.add({
    kind: 'status',
    status: 400,
    method: 'POST',
    path: '/api/v2/messages',
    body: { code: 400, message: quoted, errors: { common: [quoted], fields: { text: [quoted] } } },
    times: null,
  })
  try {
    await deployment.stripe.payLink(offered.url)
    await alertAbout(offered.unlockId)
    await until('the reveal to have failed', async () => (await failedReveals(offered.unlockId)).length > 0)
  } finally {
    deployment.textmagic.faults.clear()
  }
  return offered
}

/** Requests that are refused, each of which holds contact details where the API does not expect them. */
async function callTheApiWrongly(leadId: string): Promise<void> {
  const { api, url, secrets } = deployment
  const { client_name, client_phone } = SAMPLE_LEAD
  expect((await api('POST', '/api/leads', { ...SAMPLE_LEAD, client_phone: { wrong: client_phone } })).status).toBe(400)
  expect((await api('POST', '/api/leads', { ...SAMPLE_LEAD, [client_name]: client_phone })).status).toBe(400)
  expect((await api('POST', '/api/leads', { ...SAMPLE_LEAD, provider_ids: ['nobody'] })).status).toBe(422)
  expect((await api('GET', `/api/leads/${encodeURIComponent(client_name)}`)).status).toBeGreaterThanOrEqual(400)
  expect((await api('GET', `/nowhere?name=${encodeURIComponent(client_name)}`)).status).toBe(404)
  const broken = await fetch(`${url}/api/leads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secrets.adminApiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(SAMPLE_LEAD).slice(0, -1),
  }).then(answerOf)
  expect(broken.status).toBe(400)
  expectNoContactDetails('the answer to a broken body', JSON.stringify(broken.body))
  const locked = `/api/leads/${leadId}?include_locked=true`
  expect((await adminApi(url, secrets.operatorApiKey)('GET', locked)).status).toBe(403)
  expect((await api('GET', locked)).body.lead).toMatchObject({ client_name, client_phone })
}

async function signedInBoard(): Promise<QueueBoard> {
  const board = queueBoard(deployment)
  expect(await board.signIn(deployment.secrets.operatorApiKey)).toBe(303)
  return board
}

async function failedReveals(unlockId: number): Promise<Json[]> {
  const jobs = await (await signedInBoard()).failed('reveal')
  return jobs.filter(({ data }) => data.unlock_id === unlockId)
}

async function escalationsOf(unlockId: number): Promise<Json[]> {
  const { body } = await deployment.api('GET', '/api/escalations?state=all')
  return body.escalations.filter((escalation: Json) => escalation.unlock_id === unlockId)
}

/** Waits until somebody was told of the escalation of an unlock. */
async function alertAbout(unlockId: number) {
  const alerts = () => deployment.received.filter(({ url }) => url === '/alert')
  const find = async () => {
    const ids = (await escalationsOf(unlockId)).map(({ id }) => `(escalation ${id})`)
    return alerts().find(({ body }) => ids.some((id) => body.includes(id)))
  }
  const described = async () => JSON.stringify(alerts())
  await until(`an alert about unlock ${unlockId}`, async () => (await find()) !== undefined, described, STEP_MS)
  return (await find()) ?? { contentType: '', body: '' }
}

/** Every row of every table as text. */
async function everyRow(): Promise<string[]> {
  const client = new Client({ connectionString: deployment.databaseUrl })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      `select quote_ident(table_name) as name from information_schema.tables
       where table_schema = 'public' and table_type = 'BASE TABLE'`,
    )
    const rows: string[] = []
    for (const { name } of tables.rows) {
      const { rows: found } = await client.query<{ text: string }>(`select whole::text as text from ${name} whole`)
      rows.push(...found.map(({ text }) => `${name} ${text}`))
    }
    return rows
  } finally {
    await client.end()
  }
}

/**
 * Says which detail was found and where, without printing everything around it. Of a longer number its digits are no detail: a
 * time has microseconds.
 */
function expectNoContactDetails(where: string, text: string): void {
  const placeOf = (detail: string) => text.search(new RegExp(`(?<!\\d)${detail.replaceAll('.', '\\.')}(?!\\d)`, 'i'))
  const found = CONTACT_DETAILS.filter((detail) => placeOf(detail) >= 0)
  const at = placeOf(found[0] ?? '')
  expect(found, `${where}: …${text.slice(Math.max(0, at - 200), at + 60)}…`).toEqual([])
}
