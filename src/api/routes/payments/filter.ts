import { type Static, Type } from 'typebox'
import type { PaymentFilter } from '../../../db/lists/payment-list.ts'
import { Serial } from '../../ids.ts'
import { parseFrom, parseTo, TimeBound } from '../../time.ts'
import { PaymentStatusSchema } from './schemas.ts'

/** Which payments a listing or an export is about. */
export const paymentFilterQuery = {
  status: Type.Optional(PaymentStatusSchema),
  unlock_id: Type.Optional(Serial),
  lead_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  provider_id: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  created_from: Type.Optional({ ...TimeBound, description: 'Inclusive; when we heard of it' }),
  created_to: Type.Optional({ ...TimeBound, description: 'Exclusive' }),
}
const PaymentFilterQuery = Type.Object(paymentFilterQuery)

/** @throws {ProblemError} for a time out of range */
export function filterOf(query: Static<typeof PaymentFilterQuery>): PaymentFilter {
  return {
    status: query.status,
    unlockId: query.unlock_id,
    leadId: query.lead_id,
    // Ids come from another system, where they were seen with spaces at their end.
    providerId: query.provider_id?.trim(),
    createdFrom: parseFrom(query.created_from, 'created_from'),
    createdTo: parseTo(query.created_to, 'created_to'),
  }
}
