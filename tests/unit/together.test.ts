import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type TogetherOptions, together } from '../../src/together.ts'
import { until } from '../support/until.ts'

/** What is done together, and the ends that the test gives it. */
function watched(options: Partial<TogetherOptions> = {}) {
  const calls: {
    items: readonly number[]
    end: (results: (string | Error)[]) => void
    fail: (error: Error) => void
  }[] = []
  const add = together<number, string>(
    (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<(string | Error)[]>()
      calls.push({ items, end: resolve, fail: reject })
      return promise
    },
    { lanes: 1, most: 10, slowMs: 60_000, ...options },
  )
  const call = async (index: number) => {
    await until(`call ${index} to begin`, async () => calls.length > index)
    const found = calls[index]
    if (found === undefined) throw new RangeError(`no call ${index}`)
    return found
  }
  return { add, call, calls }
}

const names = (items: readonly number[]) => items.map((item) => `done ${item}`)

it('does an item at once when nothing is under way, and together what arrives meanwhile, in its order', async () => {
  const { add, call, calls } = watched()
  const first = add(1)
  const alone = await call(0)
  const waiting = [add(2), add(3), add(4)]
  expect(calls).toHaveLength(1)
  alone.end(names(alone.items))
  const next = await call(1)
  next.end(names(next.items))
  expect([await first, ...(await Promise.all(waiting))]).toEqual(['done 1', 'done 2', 'done 3', 'done 4'])
  expect(calls.map(({ items }) => items)).toEqual([[1], [2, 3, 4]])
})

it('does no more side by side than there are lanes, and no more at once than is allowed', async () => {
  const { add, call, calls } = watched({ lanes: 2, most: 2 })
  const all = [1, 2, 3, 4, 5].map(add)
  await call(1)
  expect(calls.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4],
  ])
  for (const index of [1, 0, 2]) {
    const { items, end } = await call(index)
    end(names(items))
  }
  expect(await Promise.all(all)).toEqual(['done 1', 'done 2', 'done 3', 'done 4', 'done 5'])
})

it('tells each item its own error, and all of them the error of their call; the next goes on', async () => {
  const { add, call } = watched()
  const [bad, good] = [add(1), add(2)]
  ;(await call(0)).end([new Error('refused'), 'done 2'])
  await expect(bad).rejects.toThrow('refused')
  expect(await good).toBe('done 2')

  const both = Promise.allSettled([add(3), add(4)])
  ;(await call(1)).fail(new Error('away'))
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])

  const after = add(5)
  ;(await call(2)).end(['done 5'])
  expect(await after).toBe('done 5')
})

it('gives the lane of a call that hangs to the next, and takes it back once', async () => {
  const { add, call, calls } = watched({ slowMs: 1 })
  const hanging = add(1)
  const hung = await call(0)
  const next = add(2)
  ;(await call(1)).end(['done 2'])
  expect(await next).toBe('done 2')
  hung.end(['done 1'])
  expect(await hanging).toBe('done 1')

  const others = [add(3), add(4)]
  expect((await call(2)).items).toEqual([3, 4])
  calls[2]?.end(['done 3', 'done 4'])
  expect(await Promise.all(others)).toEqual(['done 3', 'done 4'])
})

it('does no more side by side after a call that hung has ended', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { add, calls } = watched({ slowMs: 1_000 })
  /** Adds an item, and lets what can begin with it begin. */
  const added = async (item: number) => {
    const done = add(item)
    for (let turn = 0; turn < 5; turn += 1) await setImmediate()
    return { done }
  }
  const hanging = await added(1)
  vi.advanceTimersByTime(1_000)
  const next = await added(2)
  expect(calls).toHaveLength(2)
  calls[0]?.end(['done 1'])
  calls[1]?.end(['done 2'])
  await Promise.all([hanging.done, next.done])

  const third = await added(3)
  const fourth = await added(4)
  expect(calls.map(({ items }) => items)).toEqual([[1], [2], [3]])
  calls[2]?.end(['done 3'])
  await third.done
  await setImmediate()
  calls[3]?.end(['done 4'])
  expect(await fourth.done).toBe('done 4')
})
