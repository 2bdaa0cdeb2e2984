import type { FastifyInstance } from 'fastify'
import type { RefundPlan } from '../ledger/refund-plan.ts'
import { type ApiDeps, addApiPipeline } from './pipeline.ts'
import { chargeRoutes } from './routes/charges.ts'
import { checkoutSessionRoutes } from './routes/checkout-sessions.ts'
import { disputeRoutes } from './routes/disputes.ts'
import { eventRoutes } from './routes/events.ts'
import { paymentIntentRoutes } from './routes/payment-intents.ts'
import { paymentLinkRoutes } from './routes/payment-links.ts'
import { refundRoutes } from './routes/refunds.ts'

export type ApiOptions = ApiDeps & { refundPlan: RefundPlan }

/** Stripe's API, to be registered under `/v1`. */
export function stripeApi(app: FastifyInstance, options: ApiOptions, done: () => void): void {
  const { ledger } = options
  addApiPipeline(app, options)
  paymentLinkRoutes(app, ledger)
  checkoutSessionRoutes(app, ledger)
  paymentIntentRoutes(app, ledger)
  chargeRoutes(app, ledger)
  refundRoutes(app, ledger, options.refundPlan)
  disputeRoutes(app, ledger)
  eventRoutes(app, ledger)
  done()
}
