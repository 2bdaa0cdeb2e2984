import { Type } from 'typebox'
import { recordAudit } from '../../../db/access/audit.ts'
import { type ExportedUnlock, exportUnlocks as readUnlocks } from '../../../db/lists/exports.ts'
import { decimalAmount } from '../../../domain/money.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import { type Column, CsvResponse, EXPORT_TIMEOUT_MS, sendCsv } from '../../csv.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { filterOf, unlockFilterQuery } from './filter.ts'

const schema = {
  tags: ['unlocks'],
  summary: 'Unlocks as a CSV file, newest first',
  description: 'Filtered like GET /api/unlocks. Never with locked fields. Audited.',
  security: [{ apiKey: [] }],
  querystring: Type.Object(unlockFilterQuery, { additionalProperties: false }),
  response: { 200: CsvResponse, ...problemResponses(400, 401, 403, 429, 500, 503) },
}

const COLUMNS: readonly Column<ExportedUnlock>[] = [
  ['id', ({ id }) => id],
  ['lead_id', (row) => row.lead_id],
  ['city', ({ city }) => city],
  ['service_type', (row) => row.service_type],
  ['provider_id', (row) => row.provider_id],
  ['status', ({ status }) => status],
  ['closed_reason', (row) => row.closed_reason],
  ['price_cents', (row) => row.price_cents],
  ['price', (row) => decimalAmount(row.price_cents, row.currency)],
  ['currency', ({ currency }) => currency],
  ['created_at', (row) => row.created_at],
  ['ttl_expires_at', (row) => row.ttl_expires_at],
  ['teaser_sent_at', (row) => row.teaser_sent_at],
  ['paid_at', (row) => row.paid_at],
  ['unlocked_at', (row) => row.unlocked_at],
  ['payment_link_id', (row) => row.payment_link_id],
  ['checkout_session_id', (row) => row.checkout_session_id],
  ['payment_intent_id', (row) => row.payment_intent_id],
]

/** GET /api/unlocks/export */
export function exportUnlocks(app: App, { db }: ApiDeps): void {
  const options = { schema, config: STAFF, handlerTimeout: EXPORT_TIMEOUT_MS }
  app.get('/unlocks/export', options, async (request, reply) => {
    const filter = filterOf(request.query)
    if (request.method !== 'HEAD') {
      await recordAudit(db.em.fork(), { ...actorOf(request), action: 'unlock.export', target: 'unlocks' })
    }
    return sendCsv(reply, 'unlocks.csv', COLUMNS, readUnlocks(db.em, filter))
  })
}
