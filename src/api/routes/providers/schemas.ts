import { type Static, Type } from 'typebox'
import type { Provider } from '../../../db/entities/index.ts'
import { NullableText, NullableTimestamp, Timestamp } from '../../fields.ts'

export const ProviderSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  phone: Type.String({ description: 'E.164' }),
  email: NullableText,
  time_zone: NullableText,
  opted_out_at: NullableTimestamp,
  created_at: Timestamp,
  updated_at: Timestamp,
})

export function providerView(provider: Provider): Static<typeof ProviderSchema> {
  return {
    id: provider.id,
    name: provider.name,
    phone: provider.phone,
    email: provider.email ?? null,
    time_zone: provider.timeZone ?? null,
    opted_out_at: provider.optedOutAt?.toISOString() ?? null,
    created_at: provider.createdAt.toISOString(),
    updated_at: provider.updatedAt.toISOString(),
  }
}
