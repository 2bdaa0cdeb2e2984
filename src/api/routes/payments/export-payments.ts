import { Type } from 'typebox'
import { recordAudit } from '../../../db/access/audit.ts'
import { type ExportedPayment, exportPayments as readPayments } from '../../../db/lists/exports.ts'
import { decimalAmount } from '../../../domain/money.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import { type Column, CsvResponse, EXPORT_TIMEOUT_MS, sendCsv } from '../../csv.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { filterOf, paymentFilterQuery } from './filter.ts'

const schema = {
  tags: ['payments'],
  summary: 'Payments as a CSV file, newest first',
  description:
    'Filtered like GET /api/payments. Amounts are in the smallest unit (`…_cents`) and in the currency. Audited.',
  security: [{ apiKey: [] }],
  querystring: Type.Object(paymentFilterQuery, { additionalProperties: false }),
  response: { 200: CsvResponse, ...problemResponses(400, 401, 403, 429, 500, 503) },
}

const COLUMNS: readonly Column<ExportedPayment>[] = [
  ['id', ({ id }) => id],
  ['unlock_id', (row) => row.unlock_id],
  ['lead_id', (row) => row.lead_id],
  ['city', ({ city }) => city],
  ['provider_id', (row) => row.provider_id],
  ['status', ({ status }) => status],
  ['amount_cents', (row) => row.amount_cents],
  ['amount', (row) => decimalAmount(row.amount_cents, row.currency)],
  ['refunded_cents', (row) => row.refunded_cents],
  ['refunded', (row) => decimalAmount(row.refunded_cents, row.currency)],
  ['currency', ({ currency }) => currency],
  ['refund_reason', (row) => row.refund_reason],
  ['dispute_status', (row) => row.dispute_status],
  ['created_at', (row) => row.created_at],
  ['updated_at', (row) => row.updated_at],
  ['checkout_session_id', (row) => row.checkout_session_id],
  ['payment_intent_id', (row) => row.payment_intent_id],
  ['refund_id', (row) => row.refund_id],
]

/** GET /api/payments/export */
export function exportPayments(app: App, { db }: ApiDeps): void {
  const options = { schema, config: STAFF, handlerTimeout: EXPORT_TIMEOUT_MS }
  app.get('/payments/export', options, async (request, reply) => {
    const filter = filterOf(request.query)
    if (request.method !== 'HEAD') {
      await recordAudit(db.em.fork(), { ...actorOf(request), action: 'payment.export', target: 'payments' })
    }
    return sendCsv(reply, 'payments.csv', COLUMNS, readPayments(db.em, filter))
  })
}
