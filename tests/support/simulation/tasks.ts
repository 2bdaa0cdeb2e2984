import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PoolClient } from 'pg'

/** Where to interfere with a task, counted in its interruptible moments from 1. */
export type Plan = {
  /** The process dies. */
  crashAt: number | null
  /** The process is suspended while others run. */
  parkAt: ReadonlySet<number>
  /** The connection to the database is lost, if it is used at that moment. */
  cutAt: number | null
}

export const UNDISTURBED: Plan = { crashAt: null, parkAt: new Set(), cutAt: null }

/** How a task came to rest; `at` names the moment. */
export type Rest<T = unknown> =
  | { type: 'done'; value: T }
  | { type: 'threw'; error: unknown }
  | { type: 'crashed'; at: string }
  | { type: 'parked'; at: string }

export type OperationOptions = {
  /** May the task be suspended right before this operation? After it, always. */
  parkBefore?: boolean
  /** How the connection it uses is lost: throws what the driver would. */
  cut?: () => Promise<never>
}

/** What an operation asks of the task it is part of. */
export type Interruptible = Pick<Task, 'operate' | 'hold' | 'lose' | 'letGo'>

const current = new AsyncLocalStorage<Interruptible>()
/** What a task that died waits for. */
const NEVER = new Promise<never>(() => undefined)

/** The task whose code is running; undefined in the simulation's own code. */
export function currentTask(): Interruptible | undefined {
  return current.getStore()
}

/** Runs the simulation's own code from within a task: nothing in it is interrupted. */
export function outsideTask<T>(work: () => T): T {
  return current.exit(work)
}

/** Runs an operation of whoever is running: interruptible in a task, plain elsewhere. */
export function operation<T>(label: string, effect: () => Promise<T>, options?: OperationOptions): Promise<T> {
  const task = currentTask()
  return task === undefined ? effect() : task.operate(label, () => outsideTask(effect), options)
}

/**
 * One attempt of a job, or one request of a webhook, as a process would run it. It can be made to die at any of its awaits
 * (it never goes on, and its database connections are cut), or be suspended there while others run.
 *
 * Its operations run one at a time, so that a history is the same each time it is replayed.
 */
export class Task<T = unknown> {
  readonly name: string
  readonly #plan: Plan
  readonly #clients = new Set<PoolClient>()
  readonly #lost = new WeakSet<object>()
  #moments = 0
  #dead = false
  #rest = Promise.withResolvers<Rest<T>>()
  #parked: PromiseWithResolvers<void> | undefined
  #busy = false
  #waiting: (() => void)[] = []
  /** It lost a connection: what it throws is no bug of its own. */
  wasCut = false

  constructor(name: string, plan: Plan) {
    this.name = name
    this.#plan = plan
  }

  /** Runs `work` until it ends, dies or is suspended. */
  start(work: () => Promise<T>): Promise<Rest<T>> {
    void current.run(this, async () => {
      try {
        const value = await work()
        this.#rest.resolve({ type: 'done', value })
      } catch (error) {
        this.#rest.resolve({ type: 'threw', error })
      }
    })
    return this.#rest.promise
  }

  /** Lets a suspended task go on. */
  resume(): Promise<Rest<T>> {
    const parked = this.#parked
    if (parked === undefined) throw new Error(`${this.name} is not suspended`)
    this.#parked = undefined
    this.#rest = Promise.withResolvers()
    parked.resolve()
    return this.#rest.promise
  }

  /** Kills a suspended task. */
  async kill(): Promise<void> {
    await this.#die('suspended')
  }

  async operate<R>(label: string, effect: () => Promise<R>, options: OperationOptions = {}): Promise<R> {
    const { parkBefore = true, cut } = options
    await this.#enter()
    try {
      await this.#moment(`before ${label}`, parkBefore, cut)
      const result = await effect()
      await this.#moment(`after ${label}`, true, cut)
      return result
    } catch (error) {
      await this.#moment(`after failed ${label}`, true, undefined)
      throw error
    } finally {
      this.#leave()
    }
  }

  /** A connection this task has taken from the pool. */
  hold(client: PoolClient): void {
    this.#clients.add(client)
  }

  /** A connection of this task is gone: nothing can be said on it any more. */
  lose(client: object): void {
    this.#lost.add(client)
  }

  letGo(client: PoolClient): void {
    this.#clients.delete(client)
  }

  async #moment(at: string, mayPark: boolean, cut: OperationOptions['cut']): Promise<void> {
    if (this.#dead) await NEVER
    this.#moments += 1
    if (this.#moments === this.#plan.crashAt) {
      await this.#die(at)
      await NEVER
    }
    if (this.#moments === this.#plan.cutAt && cut !== undefined) {
      this.wasCut = true
      await outsideTask(cut)
    }
    if (!mayPark || !this.#plan.parkAt.has(this.#moments)) return
    this.#parked = Promise.withResolvers()
    this.#rest.resolve({ type: 'parked', at })
    await this.#parked.promise
  }

  async #die(at: string): Promise<void> {
    this.#dead = true
    // What the server does when a connection breaks: transactions roll back.
    for (const client of this.#clients) {
      const isLost = this.#lost.has(client)
      if (!isLost) await outsideTask(() => client.query('rollback'))
      client.release(isLost)
    }
    this.#clients.clear()
    this.#rest.resolve({ type: 'crashed', at })
  }

  async #enter(): Promise<void> {
    while (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#busy = true
  }

  /** Whoever waits goes on once the one who leaves has reached its next operation: their order is then always the same. */
  #leave(): void {
    if (this.#waiting.length === 0) {
      this.#busy = false
      return
    }
    void (async () => {
      await nextTurn()
      await nextTurn()
      this.#busy = false
      this.#waiting.shift()?.()
    })()
  }
}
