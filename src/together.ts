import DataLoader from 'dataloader'

export type TogetherOptions = {
  /** Calls side by side. */
  lanes: number
  /** Items of one call. */
  most: number
  /** A call that takes longer, milliseconds, gives its lane up: one that hangs holds up nobody else. */
  slowMs: number
}

/**
 * Does in one call what arrives while others are under way. An item that finds a free lane goes at once, with what came in
 * the same turn of the event loop; the others wait for the next lane, and go together. So nothing waits for company, and
 * the busier a process is, the less each item costs.
 *
 * @param run does some items, at least one, in the order in which they came; answers for each what became of it, in the
 *   same order. What it throws all of them get
 * @returns does one item; rejects with its error
 */
export function together<Item, Result>(
  run: (items: readonly Item[]) => Promise<(Result | Error)[]>,
  { lanes, most, slowMs }: TogetherOptions,
): (item: Item) => Promise<Result> {
  let free = lanes
  const waiting: (() => void)[] = []
  const giveLaneUp = () => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
  const loader = new DataLoader<Item, Result>(
    async (items) => {
      let hasLane = true
      const slow = setTimeout(() => {
        hasLane = false
        giveLaneUp()
      }, slowMs)
      try {
        return await run(items)
      } finally {
        clearTimeout(slow)
        if (hasLane) giveLaneUp()
      }
    },
    {
      cache: false,
      maxBatchSize: most,
      batchScheduleFn(dispatch) {
        if (free === 0) return waiting.push(dispatch)
        free -= 1
        return setImmediate(dispatch)
      },
    },
  )
  return (item) => loader.load(item)
}
