import { Client } from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { DEFAULT_LEDGER_TIMING } from '../../src/db/ledger/claim.ts'
import { startProduct } from '../support/product.ts'
import { until } from '../support/until.ts'

const OFFERS = 45
/** Claims that wait for a lock when it goes, and would all go at once: twice what may be sent in a second. */
const HELD_UP = 36

it('what Postgres held up goes out at the rate of the send limit, not in one rush', async () => {
  const product = await startProduct({
    workers: false,
    env: { TEXTMAGIC_RATE_PER_SECOND: '20' },
    ledgerTiming: DEFAULT_LEDGER_TIMING,
  })
  onTestFinished(() => product.close())
  const ids = Array.from({ length: OFFERS }, (_, index) => `provider_${index}`)
  for (const [index, id] of ids.entries()) {
    await product.api('PUT', `/api/providers/${id}`, { name: 'Dana', phone: `+1212555${1000 + index}` })
  }
  await product.offer(ids)
  // However long that takes here, the sweep wakes none of them up: its wake-ups count as tries.
  await product.rows(`update outbound_messages set next_attempt_at = app_now() + interval '1 hour'`)

  const [database] = await product.rows<{ name: string }>('select current_database() as name')
  const url = new URL(product.config.databaseUrl)
  url.pathname = `/${database?.name}`
  const outside = new Client({ connectionString: url.href })
  await outside.connect()
  onTestFinished(() => outside.end())
  await outside.query('begin; select from lead_unlocks for update')
  for (let worker = 0; worker < 4; worker += 1) await product.startMoreWorkers()
  await until('claims to wait', async () => {
    const waiting = await product.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return waiting.length >= HELD_UP
  })
  await outside.query('commit')
  await until('all teasers', () => product.textmagic.messages().length >= OFFERS)
  expect(product.textmagic.messages()).toHaveLength(OFFERS)
  expect(product.textmagic.maxPerSecond()).toBeLessThan(HELD_UP)
  // One try each, whatever was put back.
  expect(await product.rows('select distinct attempts from outbound_messages')).toEqual([{ attempts: 1 }])
})
