import type Stripe from 'stripe'
import { invalidRequest } from '../api-error.ts'
import { type Decoder, integer, object, optional, text } from './params.ts'

/** The parameters every Stripe list takes. */
export const pageParams = {
  limit: optional(integer(1, 100)),
  starting_after: optional(text()),
  ending_before: optional(text()),
}

export type Page = {
  limit: number | undefined
  starting_after: string | undefined
  ending_before: string | undefined
}

/** One page of `items`, which come newest first (https://docs.stripe.com/api/pagination). */
export function page<T extends { id: string }>(items: readonly T[], asked: Page, url: string): Stripe.ApiList<T> {
  const { limit = 10, starting_after: after, ending_before: before } = asked
  if (after !== undefined && before !== undefined) {
    throw invalidRequest('You cannot parameterize a list with both starting_after and ending_before.')
  }
  if (before !== undefined) {
    const newer = items.slice(0, indexOf(items, before, 'ending_before'))
    return { object: 'list', data: newer.slice(-limit), has_more: newer.length > limit, url }
  }
  const rest = after === undefined ? items : items.slice(indexOf(items, after, 'starting_after') + 1)
  return { object: 'list', data: rest.slice(0, limit), has_more: rest.length > limit, url }
}

function indexOf(items: readonly { id: string }[], id: string, param: string): number {
  const index = items.findIndex((item) => item.id === id)
  if (index < 0) throw invalidRequest(`No such object: '${id}'`, 'resource_missing', param)
  return index
}

export type Created = number | { gt?: number; gte?: number; lt?: number; lte?: number }

const range = object({
  gt: optional(integer(0)),
  gte: optional(integer(0)),
  lt: optional(integer(0)),
  lte: optional(integer(0)),
})

/** The `created` filter: a second, or a range of them. Reads as a test of a timestamp. */
export const createdFilter: Decoder<(created: number) => boolean> = (raw, path) => {
  if (raw === undefined) return () => true
  if (typeof raw === 'string') {
    const exactly = integer(0)(raw, path)
    return (created) => created === exactly
  }
  const { gt = -1, gte = 0, lt = Number.POSITIVE_INFINITY, lte = Number.POSITIVE_INFINITY } = range(raw, path)
  return (created) => created > gt && created >= gte && created < lt && created <= lte
}
