import type { Due } from '../../../src/domain/due.ts'
import { type JobName, type Payload, parsePayload } from '../../../src/queues/contract.ts'
import { type Publisher, type PublishOptions, requestIdOf } from '../../../src/queues/publisher.ts'
import type { SimulatedClock } from './clock.ts'
import type { Random } from './random.ts'
import { operation } from './tasks.ts'

/** A job as the queue knows it. */
export type WakeUp = {
  serial: number
  job: JobName
  payload: Payload<JobName>
  readyAt: number
  attemptsMade: number
  state: 'waiting' | 'active' | 'failed'
  deduplication: string | null
}

/** The queues of a history: what Redis would hold, in the hands of whoever drives the history. */
export class SimulatedQueues implements Publisher {
  readonly queues: Publisher['queues'] = new Map()
  readonly #clock: SimulatedClock
  readonly #random: Random
  #serial = 0
  #jobs: WakeUp[] = []
  /** Redis is away: nothing can be published. */
  away = false
  /** Share of the publications that get lost or are seen twice. */
  faultRate = 0
  /** Everything that was ever published, for the rule that no job holds a locked field. */
  readonly published: string[] = []

  constructor(clock: SimulatedClock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  async publish(due: readonly Due[], options: PublishOptions = {}): Promise<number> {
    let count = 0
    // The database does not promise an order where none was asked for; a history must have one.
    for (const entry of [...due].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
      if (await operation(`publish ${nameOf(entry)}`, async () => this.#add(entry, options))) count += 1
    }
    return count
  }

  async isReachable(): Promise<boolean> {
    return !this.away
  }

  takesWrites(): Promise<boolean> {
    return this.isReachable()
  }

  async close(): Promise<void> {
    this.#jobs = []
  }

  /** Jobs that a worker could take now, oldest first. */
  ready(): WakeUp[] {
    return this.#jobs.filter(({ state, readyAt }) => state === 'waiting' && readyAt <= this.#clock.now)
  }

  all(): readonly WakeUp[] {
    return this.#jobs
  }

  failed(): WakeUp[] {
    return this.#jobs.filter(({ state }) => state === 'failed')
  }

  remove(wakeUp: WakeUp): void {
    this.#jobs = this.#jobs.filter((other) => other !== wakeUp)
  }

  /** The same job once more: a worker that was taken for dead was not. */
  duplicate(wakeUp: WakeUp): WakeUp {
    const copy = { ...wakeUp, serial: this.#nextSerial(), state: 'waiting' as const, readyAt: this.#clock.now }
    this.#jobs.push(copy)
    return copy
  }

  /** Redis loses everything it holds. */
  flush(): void {
    this.#jobs = []
  }

  #add(due: Due, options: PublishOptions): boolean {
    const { job, ...ids } = due
    const requestId = requestIdOf(due, options)
    const data = requestId === undefined ? ids : { ...ids, request_id: requestId }
    const payload = parsePayload(job, data)
    this.published.push(JSON.stringify({ job, payload }))
    const deduplication = options.onlyIfIdle ? nameOf({ job, ...ids } as Due) : null
    if (this.away) return false
    if (deduplication !== null && this.#jobs.some((other) => isLive(other) && other.deduplication === deduplication)) {
      return true
    }
    const copies = this.#random.chance(this.faultRate) ? this.#random.pick([0, 2]) : 1
    for (let i = 0; i < copies; i += 1) {
      const readyAt = this.#clock.now + Math.max(0, Math.round(options.delayMs ?? 0))
      this.#jobs.push({
        serial: this.#nextSerial(),
        job,
        payload,
        readyAt,
        attemptsMade: 0,
        state: 'waiting',
        deduplication,
      })
    }
    return copies > 0
  }

  #nextSerial(): number {
    this.#serial += 1
    return this.#serial
  }
}

function isLive({ state }: WakeUp): boolean {
  return state !== 'failed'
}

/** A job and what it is about: `reveal 12`. */
export function nameOf({ job, ...ids }: Due | { job: JobName }): string {
  return [job, ...Object.values(ids)].join(' ')
}
