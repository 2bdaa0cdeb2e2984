import type { SimulatedClock } from './clock.ts'
import type { Random } from './random.ts'

/**
 * What becomes of one call to a gateway.
 * - unreachable: the connection is refused; certainly not done
 * - refused: answered a status without doing anything
 * - lost: nothing is done, and no answer comes
 * - answer_lost: done, and the connection breaks before the answer
 * - wrong_answer: done, and answered 500 all the same
 * - late: no answer in time, and done afterwards
 */
export type Fate =
  | { type: 'ok' }
  | { type: 'unreachable' }
  | { type: 'refused'; status: number }
  | { type: 'lost' }
  | { type: 'answer_lost' }
  | { type: 'wrong_answer' }
  | { type: 'late'; afterMs: number }

/** A client gives a call up after this long, milliseconds: the timeout of both clients. */
const TIMEOUT_MS = 10_000
/**
 * A request takes effect this long after it was made at the latest, milliseconds. Later, no client of a gateway without
 * idempotency keys can send once: see "What is not" in docs/decisions/002-message-ledger.md.
 */
const LATEST_EFFECT_MS = 14_000

/** The network between us and the gateways: how badly it behaves in a history, and how long calls take. */
export class Network {
  readonly #random: Random
  readonly #clock: SimulatedClock
  /** Share of the calls that do not simply succeed. */
  faultRate = 0
  /** Gateways that are down for now. */
  readonly down = new Set<string>()

  constructor(random: Random, clock: SimulatedClock) {
    this.#random = random
    this.#clock = clock
  }

  /** Everything works from now on. */
  calm(): void {
    this.faultRate = 0
    this.down.clear()
  }

  /** @param writes false when the call only asks */
  fateOf(gateway: string, writes: boolean): Fate {
    if (this.down.has(gateway)) {
      return this.#random.chance(0.5) ? { type: 'unreachable' } : { type: 'refused', status: 503 }
    }
    if (!this.#random.chance(this.faultRate)) return { type: 'ok' }
    return this.#random.weighted<Fate>([
      [2, { type: 'unreachable' }],
      [4, { type: 'refused', status: this.#random.pick([429, 500, 503, 401, 500]) }],
      [2, { type: 'lost' }],
      [writes ? 3 : 1, { type: 'answer_lost' }],
      [writes ? 3 : 0, { type: 'wrong_answer' }],
      [writes ? 3 : 0, { type: 'late', afterMs: this.#random.int(TIMEOUT_MS, LATEST_EFFECT_MS) }],
    ])
  }

  /** Time passes on the way there or back, or until the caller gives up. */
  pass(fate: Fate): void {
    const waits = fate.type === 'lost' || fate.type === 'late'
    this.#clock.advance(waits ? TIMEOUT_MS : this.#random.int(5, 400))
  }
}
