/** The objects of one kind, in the order they came into being. Objects are replaced, never changed in place. */
export class Collection<T extends { id: string }> {
  readonly name: string
  readonly #items = new Map<string, T>()
  readonly #record: (collection: string, item: T) => void

  constructor(name: string, record: (collection: string, item: T) => void) {
    this.name = name
    this.#record = record
  }

  /** Adds the object, or replaces the one of the same id, and records it. Returns it. */
  put(item: T): T {
    this.#items.set(item.id, item)
    this.#record(this.name, item)
    return item
  }

  /** Puts back what was recorded before a restart. */
  restore(item: T): void {
    this.#items.set(item.id, item)
  }

  get(id: string): T | undefined {
    return this.#items.get(id)
  }

  all(): T[] {
    return [...this.#items.values()]
  }

  /** Newest first, the order of every Stripe list. */
  newestFirst(): T[] {
    return this.all().reverse()
  }
}
