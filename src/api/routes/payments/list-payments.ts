import { Type } from 'typebox'
import { listPayments as findPayments } from '../../../db/lists/payment-list.ts'
import { STAFF } from '../../auth/roles.ts'
import { CreationPlace, DEFAULT_LIMIT, decodeCursor, nextCursor, pageOf, pageQuery } from '../../cursor.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { problemResponses } from '../../problem.ts'
import { filterOf, paymentFilterQuery } from './filter.ts'
import { PaymentSchema, paymentView } from './schemas.ts'

const ListedPayment = Type.Object({
  ...PaymentSchema.properties,
  unlock_id: Type.Union([Type.Integer(), Type.Null()], { description: 'Null when it belongs to no unlock we know' }),
})

const schema = {
  tags: ['payments'],
  summary: 'Payments, newest first',
  description: 'Pages stay as they are while new payments arrive.',
  security: [{ apiKey: [] }],
  querystring: Type.Object({ ...paymentFilterQuery, ...pageQuery }, { additionalProperties: false }),
  response: {
    200: Type.Object({ payments: Type.Array(ListedPayment), next_cursor: nextCursor }),
    ...problemResponses(400, 401, 403, 429, 500, 503),
  },
}

/** GET /api/payments */
export function listPayments(app: App, { db }: ApiDeps): void {
  app.get('/payments', { schema, config: STAFF }, async (request) => {
    const { cursor, limit = DEFAULT_LIMIT, ...filter } = request.query
    const after = decodeCursor(CreationPlace, cursor)
    const found = await findPayments(db.em.fork(), filterOf(filter), after, limit + 1)
    const { page, next_cursor } = pageOf(found, limit, ({ place }) => place)
    const payments = page.map(({ row }) => ({ ...paymentView(row), unlock_id: row.unlockId ?? null }))
    return { payments, next_cursor }
  })
}
