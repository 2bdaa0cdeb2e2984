import type { Due } from '../../domain/due.ts'
import type { OutboundMessage } from '../entities/index.ts'
import { type EscalationKind, openEscalation, resolveEscalations } from '../escalations/escalations.ts'
import type { EntityManager } from '../postgres/orm.ts'

/** Escalations about a message are about its unlock where it has one: one cause, one escalation. */
export function escalateMessage(tx: EntityManager, message: OutboundMessage, what: string): Promise<Due[]> {
  const unlockId = message.unlockId ?? null
  const whose = message.unlockId == null ? '' : ` of unlock ${message.unlockId}`
  const summary = `${message.purpose} message ${message.id}${whose} ${what}.`
  return openEscalation(tx, { ...escalationOf(message), unlockId, summary })
}

const KIND_OF_PURPOSE: Partial<Record<OutboundMessage['purpose'], EscalationKind>> = {
  teaser: 'teaser_failed',
  payment_link: 'payment_link_failed',
  reveal: 'reveal_failed',
}

/** Every kind that such an escalation may be of. */
export const KINDS_ABOUT_MESSAGES: readonly EscalationKind[] = [...Object.values(KIND_OF_PURPOSE), 'message_refused']

/** The escalation that a message which cannot be sent opens, and that its acceptance resolves. */
function escalationOf(message: OutboundMessage): { kind: EscalationKind; subject: string } {
  const kind = KIND_OF_PURPOSE[message.purpose]
  return kind === undefined || message.unlockId == null
    ? { kind: 'message_refused', subject: `message:${message.id}` }
    : { kind, subject: `unlock:${message.unlockId}` }
}

/** The gateway has the message: whatever kept it from being sent is mended. */
export function resolveAboutMessage(tx: EntityManager, message: OutboundMessage): Promise<void> {
  const { kind, subject } = escalationOf(message)
  return resolveEscalations(tx, [kind], subject, `${message.purpose} accepted`)
}

/**
 * A message is not wanted any more: nobody need see to it that it is sent. That a link could not be sent stays open, since the
 * unlock may want another, and so do details, since somebody paid for them.
 */
export async function resolveAboutUnwanted(tx: EntityManager, message: OutboundMessage): Promise<void> {
  const { kind, subject } = escalationOf(message)
  if (kind === 'teaser_failed' || kind === 'message_refused')
    await resolveEscalations(tx, [kind], subject, `${message.purpose} not wanted any more`)
}
