import { OutboundMessage } from '../db/entities/index.ts'
import { isUnsent, type Purpose } from '../domain/outbound.ts'
import type { JobDeps } from './deps.ts'

/**
 * What is to be sent of a purpose of an unlock, oldest first. Also the last one, when it was refused: it is tried again when
 * a person has the job run again. Those before it stay refused: what took their place says the same, and all of them would
 * go out together once the gateway takes them.
 */
export async function unsentMessages(deps: JobDeps, unlockId: number, purpose: Purpose): Promise<OutboundMessage[]> {
  const messages = await deps.em.fork().find(OutboundMessage, { unlockId, purpose }, { orderBy: { id: 'asc' } })
  const last = messages.at(-1)
  return messages.filter((message) => isUnsent(message.status) || (message === last && message.status === 'failed'))
}
