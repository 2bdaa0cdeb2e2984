import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { UnclearError } from '../../../src/gateways/errors.ts'
import { type Cursor, collect, items } from '../../../src/gateways/stripe/pages.ts'

const PER_PAGE = 100
const schema = Type.Object({ id: Type.String(), amount: Type.Integer() })

/** One of Stripe's lists, and what it is asked. */
function listOf(length: number) {
  const objects = Array.from({ length }, (_, index) => ({ id: `pi_${index}`, amount: index }))
  const asked: Cursor[] = []
  return {
    objects,
    asked,
    async fetch(cursor: Cursor): Promise<unknown> {
      asked.push(cursor)
      const from = objects.findIndex(({ id }) => id === cursor.starting_after) + 1
      const data = objects.slice(from, from + cursor.limit)
      return { object: 'list', data, has_more: from + cursor.limit < objects.length }
    },
  }
}

describe('a list of Stripe', () => {
  it.each([0, 1, PER_PAGE, PER_PAGE + 1, 100 * PER_PAGE])(
    'of %d objects is gone through to its end, each once',
    async (length) => {
      const { objects, asked, fetch } = listOf(length)
      expect(await collect(items('test', schema, fetch))).toEqual(objects)
      // As many at a time as Stripe gives.
      expect(asked).toHaveLength(Math.max(1, Math.ceil(length / PER_PAGE)))
      expect(new Set(asked.map(({ limit }) => limit))).toEqual(new Set([PER_PAGE]))
    },
  )

  it('that is longer than any question should need is not taken for one that has ended', async () => {
    const { fetch } = listOf(100 * PER_PAGE + 1)
    await expect(collect(items('test', schema, fetch))).rejects.toThrow(UnclearError)
  })

  it('is asked for no more than whoever looks through it needs', async () => {
    const { asked, fetch } = listOf(10 * PER_PAGE)
    for await (const { id } of items('test', schema, fetch)) if (id === 'pi_150') break
    expect(asked).toEqual([{ limit: PER_PAGE }, { limit: PER_PAGE, starting_after: 'pi_99' }])
  })

  it.each([
    ['without what is read of it', { id: 'pi_1' }],
    ['without an id', { id: '', amount: 1 }],
  ])('with an object %s is unclear', async (_what, object) => {
    const fetch = async () => ({ data: [object], has_more: false })
    await expect(collect(items('test', schema, fetch))).rejects.toThrow(UnclearError)
  })
})
