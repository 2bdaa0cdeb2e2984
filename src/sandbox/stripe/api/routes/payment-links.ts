import type { FastifyInstance } from 'fastify'
import { resourceMissing } from '../../api-error.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { createLink, updateLink } from '../../ledger/links.ts'
import { defineRoute } from '../define-route.ts'
import { page, pageParams } from '../list.ts'
import { bool, object, optional } from '../params.ts'
import { readLinkUpdate, readNewLink } from '../payment-link-params.ts'

const listParams = object({ ...pageParams, active: optional(bool) })

export function paymentLinkRoutes(app: FastifyInstance, ledger: Ledger): void {
  const { state } = ledger
  const linkOf = (id: string) => {
    const record = state.links.get(id)
    if (record === undefined) throw resourceMissing('payment_link', id)
    return record
  }
  defineRoute(app, state, 'POST', '/payment_links', ({ params }) => createLink(ledger, readNewLink(params)))
  defineRoute(app, state, 'GET', '/payment_links', ({ params, path }) => {
    const { active, ...asked } = listParams(params, '')
    const links = state.links.newestFirst().map((record) => record.link)
    return page(active === undefined ? links : links.filter((link) => link.active === active), asked, path)
  })
  defineRoute(app, state, 'GET', '/payment_links/:id', ({ id }) => linkOf(id).link)
  defineRoute(app, state, 'POST', '/payment_links/:id', ({ id, params }) => {
    const record = linkOf(id)
    return updateLink(ledger, record, readLinkUpdate(params))
  })
}
