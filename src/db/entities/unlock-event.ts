import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import type { UnlockStatus } from '../../domain/states.ts'

export const UnlockEventRow = defineEntity({
  name: 'UnlockEventRow',
  tableName: 'unlock_events',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    unlockId: p.integer(),
    fromStatus: p.string().$type<UnlockStatus>(),
    toStatus: p.string().$type<UnlockStatus>(),
    cause: p.string(),
    at: p.datetime().defaultRaw('app_now()'),
  },
})
export type UnlockEventRow = InferEntity<typeof UnlockEventRow>
