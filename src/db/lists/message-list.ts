import type { MessageStatus, Purpose } from '../../domain/outbound.ts'
import { OutboundMessage } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'

export type MessageFilter = {
  providerId?: string | undefined
  unlockId?: number | undefined
  purpose?: Purpose | undefined
  status?: MessageStatus | undefined
}

/** Messages, newest first, with ids below `before`. Messages that arrive meanwhile have higher ids and shift nothing. */
export function listMessages(
  em: EntityManager,
  filter: MessageFilter,
  before: number | null,
  limit: number,
): Promise<OutboundMessage[]> {
  const { providerId, unlockId, purpose, status } = filter
  return em.find(
    OutboundMessage,
    {
      ...(providerId === undefined ? {} : { providerId }),
      ...(unlockId === undefined ? {} : { unlockId }),
      ...(purpose === undefined ? {} : { purpose }),
      ...(status === undefined ? {} : { status }),
      ...(before === null ? {} : { id: { $lt: before } }),
    },
    { orderBy: { id: 'desc' }, limit },
  )
}
