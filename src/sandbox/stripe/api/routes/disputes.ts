import type { FastifyInstance } from 'fastify'
import type { Ledger } from '../../ledger/ledger.ts'
import { defineRoute } from '../define-route.ts'
import { createdFilter, page, pageParams } from '../list.ts'
import { object, optional, text } from '../params.ts'

const listParams = object({
  ...pageParams,
  charge: optional(text()),
  created: createdFilter,
  payment_intent: optional(text()),
})

export function disputeRoutes(app: FastifyInstance, { state }: Ledger): void {
  defineRoute(app, state, 'GET', '/disputes', ({ params, path }) => {
    const asked = listParams(params, '')
    const disputes = state.disputes
      .newestFirst()
      .filter(
        (dispute) =>
          asked.created(dispute.created) &&
          (asked.charge === undefined || dispute.charge === asked.charge) &&
          (asked.payment_intent === undefined || dispute.payment_intent === asked.payment_intent),
      )
    return page(disputes, asked, path)
  })
}
