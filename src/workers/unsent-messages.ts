import { OutboundMessage } from '../db/entities/index.ts'
import { isUnsent, type Purpose } from '../domain/outbound.ts'
import type { JobDeps } from './deps.ts'

/**
 * What is to be sent of a purpose of an unlock, oldest first. Also the last one when the gateway has refused it, for whoever has
 * the failed job run again. Not those that were refused before it: the last says the same, and once the gateway takes them
 * the provider would get the same text several times.
 */
export async function unsentMessages(deps: JobDeps, unlockId: number, purpose: Purpose): Promise<OutboundMessage[]> {
  const messages = await deps.em.fork().find(OutboundMessage, { unlockId, purpose }, { orderBy: { id: 'asc' } })
  const last = messages.at(-1)
  return messages.filter((message) => isUnsent(message.status) || (message === last && message.status === 'failed'))
}
