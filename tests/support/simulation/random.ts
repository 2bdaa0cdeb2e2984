/** Where every decision of a history comes from: the same seed gives the same ones. */
export class Random {
  #state: number

  /** @param seed any integer */
  constructor(seed: number) {
    this.#state = seed >>> 0
    // Seeds next to each other would begin alike.
    for (let i = 0; i < 8; i += 1) this.next()
  }

  /** @returns 0 or more, below 1 (mulberry32) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** @returns an integer from `from` to `to`, both included */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** @throws {Error} when there is nothing to pick from */
  pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.next() * list.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  /** Picks by weight. @throws {Error} when no weight is above 0 */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of choices) {
      left -= weight
      if (left < 0) return value
    }
    throw new Error('nothing to pick from')
  }

  /** Takes one of the list out of it. */
  take<T>(list: T[]): T {
    const index = Math.floor(this.next() * list.length)
    const [taken] = list.splice(index, 1)
    if (taken === undefined) throw new Error('nothing to take')
    return taken
  }

  /** Six letters and digits, and so on: text that differs from history to history. */
  letters(length: number): string {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'
    return Array.from({ length }, () => alphabet[Math.floor(this.next() * alphabet.length)]).join('')
  }
}
