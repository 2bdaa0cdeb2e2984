import type { OutboundMessage } from '../entities/index.ts'

/**
 * Claims count up to here, just below the attempts of a job: in an outage each attempt looks up and sends. What a person is
 * called about are wake-ups in vain (`claimDue`), and only those count beyond.
 */
const MOST_COUNTED_CLAIMS = 13

export function countClaim(message: OutboundMessage): void {
  if (message.attempts < MOST_COUNTED_CLAIMS) message.attempts += 1
}

/** For a claim that is put back. From the most on it may not have been counted, and a wake-up in vain would be undone. */
export function uncountClaim(message: OutboundMessage): void {
  if (message.attempts < MOST_COUNTED_CLAIMS) message.attempts -= 1
}
