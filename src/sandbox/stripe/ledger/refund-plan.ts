import { invalidRequest } from '../api-error.ts'
import type { Ledger } from './ledger.ts'
import type { EventCause, Refund } from './records.ts'
import { createRefund, type NewRefund, settleRefund } from './refunds.ts'

export type RefundOutcome = 'succeeded' | 'pending' | 'failed' | 'pending_then_failed'

const failsAfterMilliseconds = 100

/** What becomes of refunds made from now on; the bank decides that, not the caller. */
export class RefundPlan {
  readonly #ledger: Ledger
  readonly #timers = new Set<NodeJS.Timeout>()
  #outcome: RefundOutcome = 'succeeded'
  #refusals: { code: string; message: string }[] = []

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  setOutcome(outcome: RefundOutcome): void {
    this.#outcome = outcome
  }

  /** Refuses the next refund request with a 400 of this code. */
  failNext(code: string, message: string): void {
    this.#refusals.push({ code, message })
  }

  create(refund: NewRefund, cause?: EventCause): Refund {
    const refusal = this.#refusals.shift()
    if (refusal !== undefined) throw invalidRequest(refusal.message, refusal.code)
    const status = this.#outcome === 'pending_then_failed' ? 'pending' : this.#outcome
    const created = createRefund(this.#ledger, refund, status, cause)
    if (this.#outcome === 'pending_then_failed') this.#failLater(created.id)
    return created
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #failLater(refundId: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      // A test may have settled it by hand meanwhile.
      if (this.#ledger.state.refunds.get(refundId)?.status === 'pending') {
        settleRefund(this.#ledger, refundId, 'failed')
      }
    }, failsAfterMilliseconds)
    this.#timers.add(timer)
  }
}
