import { Type } from 'typebox'
import { isOver, type NamedDispute } from '../../domain/disputes.ts'
import type { StripeCaller } from './caller.ts'
import { collect, items } from './pages.ts'

const disputeSchema = Type.Object({ id: Type.String({ minLength: 1 }), status: Type.String() })

/** Every dispute of a payment, oldest first. */
export async function listDisputes(stripe: StripeCaller, paymentIntentId: string): Promise<NamedDispute[]> {
  const name = 'stripe list disputes'
  const disputes = items(name, disputeSchema, (cursor) =>
    stripe.call({ name }, (sdk) => sdk.disputes.list({ payment_intent: paymentIntentId, ...cursor })),
  )
  const newestFirst = await collect(disputes)
  return newestFirst.reverse().map(({ id, status }) => ({ disputeId: id, status, closed: isOver(status) }))
}
