import { GatewayError, NotDoneError, RefusedError } from './errors.ts'

/** How a call to a gateway ended; `rate_limited` is a call not done because the gateway asks for fewer. */
export type CallOutcome = 'ok' | 'refused' | 'not_done' | 'rate_limited' | 'unclear'

/** One call to a gateway that has ended. It holds no URL, no text and no number. */
export type GatewayCall = {
  /** As errors name it: `textmagic send`. */
  operation: string
  outcome: CallOutcome
  /** From the first byte to the last, milliseconds; no wait for the send limit. */
  ms: number
  /** Why it did not succeed. */
  code?: string
}

/** Told of every call that was really made, whatever came of it. Must not throw. */
export type CallObserver = (call: GatewayCall) => void

/** @param error what the call ended with; undefined when it succeeded */
export function endedCall(operation: string, since: number, error?: unknown): GatewayCall {
  const ms = performance.now() - since
  if (error === undefined) return { operation, outcome: 'ok', ms }
  return { operation, outcome: outcomeOf(error), ms, ...(error instanceof GatewayError ? { code: error.code } : {}) }
}

function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof RefusedError) return 'refused'
  if (!(error instanceof NotDoneError)) return 'unclear'
  return error.code === 'rate_limited' ? 'rate_limited' : 'not_done'
}
