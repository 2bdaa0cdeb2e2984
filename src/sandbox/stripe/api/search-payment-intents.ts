import type Stripe from 'stripe'
import { invalidRequest } from '../api-error.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { PaymentIntent } from '../ledger/records.ts'
import type { RawObject } from './form.ts'
import { integer, object, optional, text } from './params.ts'
import { parseSearchQuery } from './search-query.ts'

const searchableFields = ['currency', 'status'] as const

/**
 * How long a new PaymentIntent is missing from search, which Stripe answers from an index that is up to a minute behind:
 * https://docs.stripe.com/search#data-freshness
 */
export const searchLagSeconds = 60

const searchParams = object({ limit: optional(integer(1, 100)), page: optional(text()), query: text() })

/** Answers `GET /v1/payment_intents/search`, newest first. `page` is opaque to clients: the position to go on from. */
export function searchPaymentIntents(
  ledger: Ledger,
  params: RawObject,
  url: string,
): Stripe.ApiSearchResult<PaymentIntent> {
  const { limit = 10, page = '0', query } = searchParams(params, '')
  if (!/^\d+$/.test(page)) throw invalidRequest('Invalid page.', undefined, 'page')
  const matches = parseSearchQuery(query, searchableFields)
  const newest = ledger.clock.seconds() - searchLagSeconds
  const found = ledger.state.paymentIntents
    .newestFirst()
    .filter((intent) => intent.created <= newest)
    .filter(({ metadata, currency, status }) => matches({ metadata, fields: { currency, status } }))
  const end = Number(page) + limit
  const hasMore = found.length > end
  return {
    object: 'search_result',
    data: found.slice(Number(page), end),
    has_more: hasMore,
    next_page: hasMore ? String(end) : null,
    url,
  }
}
