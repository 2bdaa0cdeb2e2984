import type { FastifyInstance } from 'fastify'
import { resourceMissing } from '../../api-error.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { defineRoute } from '../define-route.ts'

export function chargeRoutes(app: FastifyInstance, { state }: Ledger): void {
  defineRoute(app, state, 'GET', '/charges/:id', ({ id }) => {
    const charge = state.charges.get(id)
    if (charge === undefined) throw resourceMissing('charge', id)
    return charge
  })
}
