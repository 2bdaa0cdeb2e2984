import { type Static, Type } from 'typebox'
import type { UnlockFilter } from '../../../db/lists/unlock-list.ts'
import { parseFrom, parseTo, TimeBound } from '../../time.ts'
import { UnlockStatusSchema } from '../leads/schemas.ts'

/** Which unlocks a listing or an export is about. */
export const unlockFilterQuery = {
  status: Type.Optional(UnlockStatusSchema),
  provider_id: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  lead_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  created_from: Type.Optional({ ...TimeBound, description: 'Inclusive' }),
  created_to: Type.Optional({ ...TimeBound, description: 'Exclusive' }),
}
const UnlockFilterQuery = Type.Object(unlockFilterQuery)

/** @throws {ProblemError} for a time out of range */
export function filterOf(query: Static<typeof UnlockFilterQuery>): UnlockFilter {
  return {
    status: query.status,
    // Ids come from another system, where they were seen with spaces at their end.
    providerId: query.provider_id?.trim(),
    leadId: query.lead_id,
    createdFrom: parseFrom(query.created_from, 'created_from'),
    createdTo: parseTo(query.created_to, 'created_to'),
  }
}
