import type { FastifyInstance } from 'fastify'
import { resourceMissing } from '../../api-error.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { defineRoute } from '../define-route.ts'
import { searchPaymentIntents } from '../search-payment-intents.ts'

export function paymentIntentRoutes(app: FastifyInstance, ledger: Ledger): void {
  const { state } = ledger
  defineRoute(app, state, 'GET', '/payment_intents/search', ({ params, path }) =>
    searchPaymentIntents(ledger, params, path),
  )
  defineRoute(app, state, 'GET', '/payment_intents/:id', ({ id }) => {
    const intent = state.paymentIntents.get(id)
    if (intent === undefined) throw resourceMissing('payment_intent', id, 'intent')
    return intent
  })
}
