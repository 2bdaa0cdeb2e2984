import type { Due } from '../../domain/due.ts'

/** Every source of the inbox, which is a URL that a gateway calls, and the job that handles what comes from it. */
const HANDLERS = {
  stripe: 'handle-payment',
  textmagic: 'handle-reply',
  textmagic_delivery: 'handle-receipt',
} as const satisfies Record<string, Due['job']>

export type InboxSource = keyof typeof HANDLERS

export const INBOX_SOURCES = Object.keys(HANDLERS) as InboxSource[]

/** The work that a row of the inbox means until it is handled. */
export function handlingOf(source: InboxSource, inboxId: number): Due {
  return { job: HANDLERS[source], inbox_id: inboxId }
}
