import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { ROLES } from '../../domain/roles.ts'

export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: p.integer().primary().autoincrement(),
    name: p.string(),
    role: p.enum([...ROLES]),
    /** Never shown. */
    hash: p.string().lazy(),
    createdAt: p.datetime().defaultRaw('app_now()'),
    lastUsedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
})
export type ApiKey = InferEntity<typeof ApiKey>
