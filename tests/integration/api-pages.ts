import { expect } from 'vitest'
import type { Harness } from './api-harness.ts'

type Id = string | number

/**
 * The ids on every page of a listing, in order.
 *
 * @param name the field of the answer that holds the items
 * @param between runs after each page
 */
export async function walk(
  api: Harness,
  path: string,
  name: string,
  query: Record<string, string> = {},
  between?: () => Promise<unknown>,
): Promise<Id[]> {
  const ids: Id[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const parameters = new URLSearchParams({ ...query, ...(cursor === '' ? {} : { cursor }) })
    const { status, body } = await api.call('GET', `${path}?${parameters}`)
    expect(status).toBe(200)
    ids.push(...body[name].map(({ id }: { id: Id }) => id))
    cursor = body.next_cursor
    await between?.()
  }
  return ids
}
