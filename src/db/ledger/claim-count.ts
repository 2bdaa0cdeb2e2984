import { PATIENT_ATTEMPTS } from '../../domain/backoff.ts'
import type { OutboundMessage } from '../entities/index.ts'

/**
 * A message has one column, `attempts`, for its claims and for the wake-ups of the sweep, which calls a person when it gets
 * high (`claimDue`). In an outage each attempt of the job claims twice, once to look up and once to send: without a limit the
 * claims of one outage would be taken for wake-ups in vain, and a person called for each text. So claims count up to here,
 * and only wake-ups beyond.
 */
const MOST_COUNTED_CLAIMS = PATIENT_ATTEMPTS - 1

export function countClaim(message: OutboundMessage): void {
  if (message.attempts < MOST_COUNTED_CLAIMS) message.attempts += 1
}

/** For a claim that is put back. From the most on it may not have been counted, and a wake-up in vain would be undone. */
export function uncountClaim(message: OutboundMessage): void {
  if (message.attempts < MOST_COUNTED_CLAIMS) message.attempts -= 1
}
