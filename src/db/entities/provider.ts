import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

export const Provider = defineEntity({
  name: 'Provider',
  tableName: 'providers',
  properties: {
    id: p.string().primary(),
    name: p.string(),
    phone: p.string(),
    email: p.string().nullable(),
    timeZone: p.string().nullable(),
    optedOutAt: p.datetime().nullable(),
    subscriptionChangedAt: p.datetime().nullable(),
    gatewayUnsubscribeDue: p.boolean().default(false),
    /** What it is to be told of; null means `phone`. */
    gatewayUnsubscribePhone: p.string().nullable(),
    createdAt: p.datetime().defaultRaw('app_now()'),
    updatedAt: p.datetime().defaultRaw('app_now()'),
  },
})
export type Provider = InferEntity<typeof Provider>
