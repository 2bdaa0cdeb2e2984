import type { Actor } from '../../db/access/audit.ts'
import { eraseIfOver } from '../../db/erasure/erasure.ts'
import {
  handledReceipts,
  idempotencyKeys,
  inboxBodies,
  type LeadPosition,
  leadsPastRetention,
  messageBodies,
} from '../../db/erasure/retention.ts'
import type { EntityManager } from '../../db/postgres/orm.ts'
import type { WorkerServices } from '../deps.ts'
import { defineJob } from '../job.ts'

const LEADS_PER_PAGE = 100
/** What a run does at most; the next one goes on. */
const LEADS_PER_RUN = 1_000
const ROWS_PER_BATCH = 500
const BATCHES_PER_RUN = 40

/**
 * Erases what is not needed any more: contact details of leads closed for the configured time, bodies as old as that, and
 * idempotency keys. Each lead and each batch is a transaction of its own, so that a run may end anywhere.
 *
 * @returns of how many leads the contact details were erased
 */
export async function eraseOnce(services: WorkerServices, requestId: string): Promise<number> {
  const { retentionDays: days } = services.settings
  const leads = days === 0 ? 0 : await eraseLeads(services, { keyName: 'retention', role: null, requestId }, days)
  const passes = [idempotencyKeys, handledReceipts, ...(days === 0 ? [] : [inboxBodies(days), messageBodies(days)])]
  let rows = 0
  for (const pass of passes) rows += await inBatches(services.db.em, pass)
  if (leads > 0) services.log.info({ count: leads }, 'contact details of closed leads erased')
  if (rows > 0) services.log.info({ count: rows }, 'old bodies and idempotency keys erased')
  return leads
}

async function eraseLeads(services: WorkerServices, by: Actor, days: number): Promise<number> {
  let erased = 0
  let after: LeadPosition | null = null
  while (erased < LEADS_PER_RUN) {
    const page: LeadPosition[] = await leadsPastRetention(services.db.em.fork(), days, after, LEADS_PER_PAGE)
    for (const { id } of page) if (await eraseIfOver(services.db.em, id, days, by)) erased += 1
    after = page.at(-1) ?? null
    if (page.length < LEADS_PER_PAGE) break
  }
  return erased
}

async function inBatches(
  em: EntityManager,
  pass: (em: EntityManager, limit: number) => Promise<number>,
): Promise<number> {
  let rows = 0
  for (let batch = 0; batch < BATCHES_PER_RUN; batch += 1) {
    const done = await pass(em.fork(), ROWS_PER_BATCH)
    rows += done
    if (done < ROWS_PER_BATCH) break
  }
  return rows
}

export const eraseContacts = defineJob({
  name: 'erase-contacts',

  async run(deps) {
    await eraseOnce(deps, deps.requestId)
  },

  async onFailed(deps, _payload, code) {
    deps.log.error({ error_code: code }, 'erasing failed; the next run is due within the hour')
  },
})
