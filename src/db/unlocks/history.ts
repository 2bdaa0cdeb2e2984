import { OutboundMessage, Payment, PaymentLink, Unlock, UnlockEventRow } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'

export type UnlockHistory = {
  unlock: Unlock
  timeline: UnlockEventRow[]
  messages: OutboundMessage[]
  links: PaymentLink[]
  payments: Payment[]
}

/** Everything that happened to an unlock, oldest first. */
export async function unlockHistory(em: EntityManager, unlockId: number): Promise<UnlockHistory | null> {
  const unlock = await em.findOne(Unlock, { id: unlockId })
  if (unlock === null) return null
  const oldestFirst = { orderBy: { id: 'asc' } } as const
  const timeline = await em.find(UnlockEventRow, { unlockId }, oldestFirst)
  const messages = await em.find(OutboundMessage, { unlockId }, oldestFirst)
  const links = await em.find(PaymentLink, { unlockId }, oldestFirst)
  const payments = await em.find(Payment, { unlockId }, oldestFirst)
  return { unlock, timeline, messages, links, payments }
}
