import type { FastifyInstance } from 'fastify'
import { invalidRequest, resourceMissing } from '../../api-error.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { expireSession } from '../../ledger/sessions.ts'
import { defineRoute } from '../define-route.ts'
import { createdFilter, page, pageParams } from '../list.ts'
import { notEmulated, object, oneOf, optional, text } from '../params.ts'

const listParams = object({
  ...pageParams,
  created: createdFilter,
  customer: notEmulated,
  customer_account: notEmulated,
  customer_details: optional(object({ email: text() })),
  payment_intent: optional(text()),
  payment_link: optional(text()),
  status: optional(oneOf('open', 'complete', 'expired')),
  subscription: notEmulated,
})
const noParams = object({})

export function checkoutSessionRoutes(app: FastifyInstance, ledger: Ledger): void {
  const { state } = ledger
  const sessionOf = (id: string) => {
    const session = state.sessions.get(id)
    if (session === undefined) throw resourceMissing('checkout.session', id, 'session')
    return session
  }
  defineRoute(app, state, 'GET', '/checkout/sessions', ({ params, path }) => {
    const asked = listParams(params, '')
    if (asked.payment_link !== undefined && state.links.get(asked.payment_link) === undefined) {
      throw resourceMissing('payment_link', asked.payment_link, 'payment_link')
    }
    const sessions = state.sessions
      .newestFirst()
      .filter(
        (session) =>
          asked.created(session.created) &&
          (asked.payment_link === undefined || session.payment_link === asked.payment_link) &&
          (asked.payment_intent === undefined || session.payment_intent === asked.payment_intent) &&
          (asked.status === undefined || session.status === asked.status) &&
          (asked.customer_details === undefined || session.customer_details?.email === asked.customer_details.email),
      )
    return page(sessions, asked, path)
  })
  defineRoute(app, state, 'GET', '/checkout/sessions/:id', ({ id }) => sessionOf(id))
  defineRoute(app, state, 'POST', '/checkout/sessions/:id/expire', ({ id, params, cause }) => {
    noParams(params, '')
    const session = sessionOf(id)
    if (session.status !== 'open') {
      throw invalidRequest(
        `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
      )
    }
    return expireSession(ledger, session, cause)
  })
}
