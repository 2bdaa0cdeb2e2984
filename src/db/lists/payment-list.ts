import type { PaymentStatus } from '../../domain/refunds.ts'
import { Payment } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { type Condition, createdIn, equals, inPlace, newestFirst, type Place } from './listing.ts'

export type PaymentFilter = {
  status?: PaymentStatus | undefined
  unlockId?: number | undefined
  leadId?: string | undefined
  providerId?: string | undefined
  /** Inclusive; when we heard of the payment. */
  createdFrom?: Date | undefined
  /** Exclusive. */
  createdTo?: Date | undefined
}

/** Payments, newest first, from the one after `after`. Payments that arrive meanwhile shift nothing. */
export async function listPayments(
  em: EntityManager,
  filter: PaymentFilter,
  after: Place<number> | null,
  limit: number,
): Promise<{ row: Payment; place: Place<number> }[]> {
  const places = await newestFirst(em, 'payments', paymentConditions(filter), after, limit)
  return inPlace(places, await em.find(Payment, { id: { $in: places.map(({ id }) => id) } }))
}

export function paymentConditions(filter: PaymentFilter): Condition[] {
  return [
    equals('status', filter.status),
    equals('unlock_id', filter.unlockId),
    ofUnlocks('lead_id', filter.leadId),
    ofUnlocks('provider_id', filter.providerId),
    ...createdIn(filter.createdFrom, filter.createdTo),
  ]
}

function ofUnlocks(column: 'lead_id' | 'provider_id', value: string | undefined): Condition {
  return value === undefined ? null : [`unlock_id in (select id from lead_unlocks where ${column} = ?)`, value]
}
