import type { FastifyInstance, FastifyReply } from 'fastify'
import { decodeForm } from '../api/form.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { isAtLimit } from '../ledger/links.ts'
import { paySession } from '../ledger/payments.ts'
import type { LinkRecord, Session } from '../ledger/records.ts'
import { found, Refusal } from '../ledger/refusal.ts'
import { expireDueSessions, isPayable, openSession } from '../ledger/sessions.ts'
import { statusOfError } from '../status-of-error.ts'
import {
  cancelledPage,
  checkoutPage,
  expiredPage,
  failurePage,
  inactivePage,
  notFoundPage,
  successPage,
} from './pages.ts'

export type CheckoutOptions = { ledger: Ledger; merchantName: string }

/** Stripe's card number that every bank declines: https://docs.stripe.com/testing#declined-payments. */
const declinedCard = '4000000000000002'

type ById = { Params: { id: string } }

/** The pages a paying customer sees: the link, the checkout, what comes after. */
export function checkoutPages(app: FastifyInstance, { ledger, merchantName }: CheckoutOptions, done: () => void): void {
  const { state } = ledger
  const sessionOf = (id: string): { session: Session; record: LinkRecord } => {
    const session = found(state.sessions.get(id), 'checkout.session', id)
    return { session, record: found(state.links.get(session.payment_link), 'payment_link', session.payment_link) }
  }
  const readForm = async (_request: unknown, body: string) => decodeForm(body)
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, readForm)
  app.addHook('onRequest', async (_request, reply) => {
    expireDueSessions(ledger)
    reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
    reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer')
  })
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal && error.code === 'not_found') return send(reply.code(404), notFoundPage())
    const status = statusOfError(error)
    if (status >= 500) process.emitWarning(error instanceof Error ? error : String(error))
    return send(reply.code(status), failurePage())
  })

  app.get<ById>('/pay/:id', async (request, reply) => {
    const record = found(state.links.get(request.params.id), 'payment_link', request.params.id)
    if (!isPayable(record)) return send(reply, inactivePage(record.link.inactive_message))
    return reply.redirect(`/c/pay/${openSession(ledger, record.id).id}`, 303)
  })

  app.get<ById>('/c/pay/:id', async (request, reply) => {
    const { session, record } = sessionOf(request.params.id)
    return showSession(reply, session, record, null)
  })

  app.post<ById & { Body: Record<string, unknown> }>('/c/pay/:id', async (request, reply) => {
    const { session, record } = sessionOf(request.params.id)
    const { card_number: card, email } = request.body ?? {}
    const isOpen = session.status === 'open' && !isAtLimit(record.link)
    if (isOpen && digitsOf(card) === declinedCard) {
      return showSession(reply, session, record, 'Your card was declined.')
    }
    // Pressing the button twice pays once: the second finds the session complete.
    if (isOpen) paySession(ledger, session, { email: typeof email === 'string' && email !== '' ? email : undefined })
    return reply.redirect(`/c/pay/${session.id}`, 303)
  })

  app.get<ById>('/c/pay/:id/cancelled', async (request, reply) => {
    const { session, record } = sessionOf(request.params.id)
    // Reached by the back button after paying, it must not say that nothing was charged.
    return session.status === 'open' ? send(reply, cancelledPage(session)) : showSession(reply, session, record, null)
  })

  const showSession = (reply: FastifyReply, session: Session, record: LinkRecord, problem: string | null) => {
    if (session.status === 'complete') return send(reply, successPage(merchantName, session))
    if (session.status === 'expired') return send(reply, expiredPage(record))
    if (isAtLimit(record.link)) return send(reply, inactivePage(record.link.inactive_message))
    return send(reply, checkoutPage(merchantName, record, session, problem))
  }
  done()
}

function send(reply: FastifyReply, page: string) {
  return reply.type('text/html; charset=utf-8').send(page)
}

function digitsOf(value: unknown): string {
  return typeof value === 'string' ? value.replaceAll(/\D/g, '') : ''
}
