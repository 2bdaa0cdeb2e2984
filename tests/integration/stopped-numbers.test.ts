import { randomBytes } from 'node:crypto'
import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createInbox } from '../../src/db/inbox/store.ts'
import { inTransaction, openDatabase } from '../../src/db/postgres/orm.ts'
import { importProviders } from '../../src/db/providers/import.ts'
import { putProvider } from '../../src/db/providers/providers.ts'
import { lockNumbersToGive, rememberStop } from '../../src/db/providers/stopped-numbers.ts'
import { lockProvider } from '../../src/db/providers/subscriptions.ts'
import { createSealer } from '../../src/db/sealing/sealing.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'
import { createTestDatabase } from '../support/stores.ts'
import { until } from '../support/until.ts'

const PHONE = '+13055550160'
const BY = { keyName: 'admin', role: null, requestId: null }

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(6)
  db = database.db
})
beforeEach(() => db.em.fork().execute('truncate providers, webhook_inbox, stopped_numbers cascade'))
afterAll(() => database.close())

const inbox = () => createInbox(db.em, createSealer([{ id: 'k1', key: randomBytes(32) }]))
const say = (text: string, sentAt: Date | null = null, phone: string | null = PHONE) =>
  inbox().storeInboundSms(
    { id: randomBytes(4).toString('hex'), phone, text, sentAt },
    { raw: Buffer.from('{}'), contentType: 'application/json' },
  )
const put = (id: string, phone = PHONE) => putProvider(db.em, id, { name: 'Q', phone, email: null, timeZone: null }, BY)
const importOne = (id: string, phone = PHONE) =>
  importProviders(db.em, {
    rows: [{ id, line: 2, name: 'Q', phone, email: null, timeZone: null }],
    columns: { email: false, timeZone: false },
    dryRun: false,
    by: BY,
  })

const optedOut = async (id: string) => {
  const [row] = await db.em
    .fork()
    .execute<{ stopped: boolean }[]>('select opted_out_at is not null as stopped from providers where id = ?', [id])
  return row?.stopped
}

/** Holds up every commit until it is let go. */
async function holdingCommits(work: () => Promise<unknown>[]): Promise<void> {
  const em = db.em.fork()
  await em.begin()
  await em.execute('lock table audit_log, webhook_inbox in share mode')
  const underWay = work()
  await until('all to wait', async () => {
    const rows = await db.em
      .fork()
      .execute(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
    return rows.length === underWay.length
  })
  await em.commit()
  await Promise.all(underWay)
}

it.each([
  ['put', put],
  ['imported', importOne],
])(
  'a STOP and a provider who is %s with its number at the same time: the provider is opted out',
  async (_how, give) => {
    await holdingCommits(() => [say('STOP'), give('quinn')])
    expect(await optedOut('quinn')).toBe(true)
    await db.em.fork().execute('truncate providers, webhook_inbox, stopped_numbers cascade')
    await holdingCommits(() => [give('quinn'), say('STOP')])
    expect(await optedOut('quinn')).toBe(true)
  },
)

it.each([
  ['put', put],
  ['imported', importOne],
])(
  'a provider who is %s with a number that has said STOP is opted out, and stays so with another number',
  async (_how, give) => {
    await put('paula')
    await say('STOP')
    await give('paula', '+13055550161')
    await give('quinn')
    expect([await optedOut('paula'), await optedOut('quinn')]).toEqual([true, true])
    await give('quinn', '+13055550162')
    expect(await optedOut('quinn')).toBe(true)
  },
)

it('a STOP is stored while the job of an earlier text of its sender is at work', async () => {
  await put('paula')
  const stop = await inTransaction(db.em, async (tx) => {
    await lockProvider(tx, 'paula')
    const stop = say('STOP')
    await until('it to wait for the provider', async () => {
      const rows = await db.em
        .fork()
        .execute(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
      return rows.length === 1
    })
    await rememberStop(tx, PHONE, null)
    return { stop }
  })
  expect((await stop.stop).duplicate).toBe(false)
  expect(await optedOut('paula')).toBe(true)
})

it.each([
  ['put', put],
  ['imported', importOne],
])('a provider who is %s again with the number they have stays subscribed', async (_how, give) => {
  await put('paula')
  await inTransaction(db.em, (tx) => rememberStop(tx, PHONE, null))
  await give('paula')
  expect(await optedOut('paula')).toBe(false)
})

it('whoever gives numbers to providers waits for nobody for long, since every STOP waits for them', async () => {
  const [limits] = await inTransaction(db.em, async (tx) => {
    await lockNumbersToGive(tx)
    return tx.execute(
      `select current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`,
    )
  })
  expect(limits).toEqual({ lock: '2s', idle: '5s' })
})

it('a STOP that is older than the newest START of its number is not remembered', async () => {
  await put('paula')
  await db.em.fork().execute('update providers set subscription_changed_at = app_now()')
  await say('STOP', new Date(Date.now() - 3_600_000))
  await put('paula', '+13055550161')
  await put('quinn')
  expect(await optedOut('quinn')).toBe(false)
})

it('a STOP that is older than another number’s, whose owner has its number by now, is remembered all the same', async () => {
  await put('paula', '+13055550161')
  await say('STOP', null, '+13055550161')
  await put('paula')
  await say('STOP', new Date(Date.now() - 3_600_000))
  await put('paula', '+13055550162')
  await put('quinn')
  expect(await optedOut('quinn')).toBe(true)
})

it('a STOP of a sender that is no phone number is stored, and remembered for nobody', async () => {
  expect(await say('STOP', null, null)).toMatchObject({ duplicate: false })
  expect(await db.em.fork().execute('select * from stopped_numbers')).toEqual([])
})

it('the numbers of those who have opted out before the upgrade are known after it', async () => {
  const { url, drop } = await createTestDatabase()
  const older = await openDatabase({ url, poolSize: 2 })
  try {
    await older.migrator.up({ to: '0010-backfill-marks' })
    await older.em.fork().execute(
      `insert into providers (id, name, phone, opted_out_at, subscription_changed_at) values
         ('said', 'S', '+13055550161', '2026-01-02', '2026-01-01'), ('by_hand', 'H', '+13055550162', '2026-01-03', null),
         ('back', 'B', '+13055550163', null, '2026-01-05'), ('moved', 'M', '+13055550164', '2026-01-03', null)`,
    )
    await older.em.fork().execute(
      `insert into outbound_messages (purpose, dedupe_key, provider_id, phone, created_at) values
         ('stop_confirmation', '1', 'back', '+13055550163', '2026-01-04'),
         ('stop_confirmation', '2', 'moved', '+13055550165', '2026-01-03')`,
    )
    await older.migrator.up()
    expect(
      await older.em.fork().execute('select phone, stopped_at::date::text as day from stopped_numbers order by phone'),
    ).toEqual([
      { phone: '+13055550161', day: '2026-01-01' },
      { phone: '+13055550162', day: '2026-01-03' },
      { phone: '+13055550165', day: '2026-01-03' },
    ])
  } finally {
    await older.close(true)
    await drop()
  }
})
