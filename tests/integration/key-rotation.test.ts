import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createInbox, inboxPlace } from '../../src/db/inbox/store.ts'
import { oncePerKey } from '../../src/db/leads/idempotency.ts'
import { findLead, insertLead, openLockedFields } from '../../src/db/leads/leads.ts'
import { inTransaction } from '../../src/db/postgres/orm.ts'
import { keyUse, reseal } from '../../src/db/sealing/rotation.ts'
import { rotationReport } from '../../src/db/sealing/rotation-report.ts'
import { SEALED_TABLES } from '../../src/db/sealing/sealed-values.ts'
import { createSealer, type EncryptionKey } from '../../src/db/sealing/sealing.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'
import { until } from '../support/until.ts'

const [K1, K2, LOST] = ['k1', 'k2', 'lost'].map((id) => ({ id, key: randomBytes(32) })) as [
  EncryptionKey,
  EncryptionKey,
  EncryptionKey,
]
const [old, both, fresh] = [createSealer([K1]), createSealer([K2, K1]), createSealer([K2])]
const CLIENT = {
  clientName: 'Sarah Johnson',
  clientPhone: '+1234567890',
  clientEmail: 's@j.example',
  exactAddress: null,
}
const EVENT = '{"id":"evt_1"}'

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(4)
  db = database.db
})
beforeEach(() => db.em.fork().execute('truncate leads, webhook_inbox, idempotency_keys cascade'))
afterAll(() => database.close())

const nothing = () => undefined
const rotate = (onProgress: () => void = nothing) => reseal(db.em.fork(), both, K2.id, onProgress)
const report = async (unopened: Awaited<ReturnType<typeof rotate>> = []) =>
  rotationReport(await keyUse(db.em.fork()), unopened, [K2.id, K1.id])

async function newLead(sealer = old): Promise<string> {
  const more = { city: 'Miami', serviceType: 'Massage', preferredTimeWindow: null, budgetRange: null }
  const terms = { priceCents: 2000, currency: 'usd', ttlHours: 24 }
  const lead = { ...CLIENT, ...more, notesSnippet: null, terms }
  return (await inTransaction(db.em, (tx) => insertLead(tx, sealer, lead))).id
}

const newEvent = (id: string, sealer = old) =>
  createInbox(db.em, sealer).storeStripeEvent(id, { raw: Buffer.from(EVENT), contentType: 'application/json' }, null)

async function locked(leadId: string, sealer = fresh) {
  const lead = await findLead(db.em.fork(), leadId)
  return lead === null ? null : openLockedFields(sealer, lead)
}

/** Changes a lead while the rotation is about to write it: it has read the old values, and waits for the row. */
async function rotateAround(change: string, leadId: string): Promise<void> {
  const { rotating } = await db.em.fork().transactional(async (tx) => {
    await tx.execute('select from leads where id = ? for update', [leadId])
    const begun = { rotating: rotate() }
    await until('the rotation to wait for the row', async () => {
      const [row] = await db.em.fork().execute<{ waiting: number }[]>(
        `select count(*)::int as waiting from pg_stat_activity where datname = current_database()
           and wait_event_type = 'Lock' and query like 'update leads%'`,
      )
      return row?.waiting === 1
    })
    await tx.execute(change, [leadId])
    return begun
  })
  await rotating
}

it('what an older key has sealed opens with the newest alone afterwards, and the older one can be dropped', async () => {
  const [one, other] = [await newLead(), await newLead(fresh)]
  await newEvent('evt_1')
  await newEvent('evt_2', fresh)
  await inTransaction(db.em, (tx) => oncePerKey(tx, old, 'key-1', 'body', async () => ({ lead: { id: one } })))
  expect((await report()).complete).toBe(false)

  const progress: object[] = []
  await reseal(db.em.fork(), both, K2.id, (step) => progress.push(step))
  expect(progress).toEqual([
    { table: 'leads', resealed: 3 },
    { table: 'webhook_inbox', resealed: 1 },
  ])
  for (const id of [one, other]) expect(await locked(id)).toEqual(CLIENT)
  const rows = await db.em
    .fork()
    .execute<{ external_id: string; sealed_body: string }[]>('select external_id, sealed_body from webhook_inbox')
  expect(rows.map((row) => fresh.open(row.sealed_body, inboxPlace('stripe', row.external_id)))).toEqual([EVENT, EVENT])

  expect(await report()).toEqual({
    lines: [
      'k2: 6 in leads, 2 in webhook_inbox; the newest',
      'k1: 1 in idempotency_keys; drop it when these have ended, after 7 days: until then it recognises repeated requests',
    ],
    failures: [],
    complete: true,
  })
  await db.em.fork().execute('delete from idempotency_keys')
  expect((await report()).lines[1]).toBe('k1: nothing; can be dropped from ENCRYPTION_KEYS')
})

it('a run that was killed is taken up by the next, and one with nothing to do writes nothing', async () => {
  const leadId = await newLead()
  await newEvent('evt_1')
  const killed = rotate(() => {
    throw new Error('killed')
  })
  await expect(killed).rejects.toThrow('killed')
  expect(await locked(leadId)).toEqual(CLIENT)
  expect((await report()).complete).toBe(false)
  await rotate()
  expect((await report()).complete).toBe(true)

  const versions = () =>
    db.em.fork().execute('select xmin::text from leads union all select xmin::text from webhook_inbox')
  const before = await versions()
  await rotate(() => {
    throw new Error('it wrote something')
  })
  expect(await versions()).toEqual(before)
})

it('many rows are done piece by piece, and none is left out', async () => {
  await db.em.fork().execute(
    `insert into webhook_inbox (source, external_id, content_type, sealed_body)
     select 'stripe', 'evt_' || n, 'application/json', ? from generate_series(1, 1100) n`,
    ['v1.k1.to-be-replaced'],
  )
  const rows = await db.em
    .fork()
    .execute<{ id: string; external_id: string }[]>('select id, external_id from webhook_inbox')
  const sealed = rows.map(({ external_id }) => old.seal(EVENT, inboxPlace('stripe', external_id)))
  await db.em.fork().execute(
    `update webhook_inbox set sealed_body = v.sealed from unnest(?::bigint[], ?::text[]) as v (id, sealed)
     where webhook_inbox.id = v.id`,
    [`{${rows.map(({ id }) => id).join(',')}}`, `{${sealed.join(',')}}`],
  )
  let pieces = 0
  expect(await rotate(() => (pieces += 1))).toEqual([])
  expect(pieces).toBe(2)
  expect((await keyUse(db.em.fork())).get('k2')).toEqual(new Map([['webhook_inbox', 1100]]))
  expect((await report()).complete).toBe(true)
})

it('an erasure in the middle of it stands', async () => {
  const leadId = await newLead()
  await rotateAround(
    `update leads set client_name = null, client_phone = null, client_email = null, contact_erased_at = app_now()
     where id = ?`,
    leadId,
  )
  expect(await locked(leadId)).toBeNull()
})

it('what another process writes in the middle of it with an older key is not overwritten, but sealed anew as well', async () => {
  const leadId = await newLead()
  const changed = old.seal('Sarah Miller', `leads.client_name:${leadId}`)
  await rotateAround(`update leads set client_name = '${changed}' where id = ?`, leadId)
  expect(await locked(leadId)).toEqual({ ...CLIENT, clientName: 'Sarah Miller' })
})

it('what cannot be opened is left as it is and named, and everything else is done', async () => {
  const [broken, foreign, fine] = [await newLead(), await newLead(createSealer([LOST])), await newLead()]
  await db.em.fork().execute(`update leads set client_email = client_name where id = ?`, [broken])
  const unopened = await rotate()
  const named = [
    ...['client_name', 'client_phone', 'client_email'].map((column) => ({ table: 'leads', id: foreign, column })),
    { table: 'leads', id: broken, column: 'client_email' },
  ]
  expect(unopened).toHaveLength(4)
  expect(unopened).toEqual(expect.arrayContaining(named))
  expect(await locked(fine)).toEqual(CLIENT)
  expect(await locked(foreign, createSealer([LOST]))).toEqual(CLIENT)
  const { complete, failures, lines } = await report(unopened)
  expect([complete, failures.length]).toEqual([false, 4])
  expect(failures).toContain(`could not open leads ${broken} client_email`)
  expect(lines).toContain('k1: 1 in leads; still needed')
  expect(lines).toContain('lost: 3 in leads; not in ENCRYPTION_KEYS')
})

it('every column that holds a sealed value is among those that are sealed anew', async () => {
  await newLead()
  await newEvent('evt_1')
  const columns = await db.em.fork().execute<{ place: string }[]>(
    `select c.table_name || '.' || c.column_name as place from information_schema.columns c
     where c.table_schema = 'public' and c.data_type = 'text'`,
  )
  const sealed: string[] = []
  for (const { place } of columns) {
    const [table, column] = place.split('.')
    const found = await db.em.fork().execute<object[]>(`select from ${table} where ${column} like 'v1.k1.%' limit 1`)
    if (found.length > 0) sealed.push(place)
  }
  const known = SEALED_TABLES.flatMap(({ name, columns: names }) => names.map((column) => `${name}.${column}`))
  // The sample has no address.
  expect([...sealed, 'leads.exact_address'].sort()).toEqual(known.sort())
})

it('the command says what it did in counts and ids, and ends with 1 when something could not be opened', async () => {
  await newLead()
  const keys = [K2, K1].map(({ id, key }) => `${id}:${key.toString('base64')}`).join(',')
  const run = () => command({ DATABASE_URL: database.url, ENCRYPTION_KEYS: keys })
  const first = await run()
  expect(first).toMatchObject({ code: 0, errors: '' })
  expect(first.output).toBe(
    'sealing anew with k2 what k1 has sealed\nleads: 3 values sealed anew\n' +
      'k2: 3 in leads; the newest\nk1: nothing; can be dropped from ENCRYPTION_KEYS\n',
  )
  const alone = await command({ DATABASE_URL: database.url, ENCRYPTION_KEYS: keys.split(',')[0] ?? '' })
  expect(alone.output).toBe('k2 is the only key: nothing to seal anew\nk2: 3 in leads; the newest\n')
  const foreign = await newLead(createSealer([LOST]))
  const second = await run()
  expect(second.code).toBe(1)
  expect(second.errors.split('\n')).toContain(`could not open leads ${foreign} client_phone`)
  expect((await command({ DATABASE_URL: database.url })).errors).toContain('ENCRYPTION_KEYS is missing')
})

type Ended = { code: number | string | null | undefined; output: string; errors: string }

function command(env: Record<string, string>): Promise<Ended> {
  const program = join(import.meta.dirname, '../../src/db/rotate-encryption.ts')
  return new Promise((resolve) => {
    execFile(process.execPath, [program], { env: { PATH: process.env.PATH, ...env } }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : error.code, output, errors })
    })
  })
}
