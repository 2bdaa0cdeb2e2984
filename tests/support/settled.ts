import type { Evidence } from './evidence.ts'
import { until } from './until.ts'

/** Rows that are due and do not wait for a person, by table. */
const UNDER_WAY = `
  select 'webhook_inbox' as what, id::text, status, source || ' ' || coalesce(outcome, '') as more from webhook_inbox
    where status in ('received', 'forwarding') and next_attempt_at < '9998-01-01'
  union all select 'outbound_messages', id::text, status, purpose || ' ' || coalesce(error_code, '') from outbound_messages
    where status in ('pending', 'sending', 'unknown') and next_attempt_at < '9998-01-01'
  union all select 'lead_unlocks', id::text, status, '' from lead_unlocks
    where status in ('CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'PAID') and next_attempt_at < '9998-01-01'
  union all select 'payment_links', id::text, status, '' from payment_links
    where status = 'closing' and next_attempt_at < '9998-01-01'
  union all select 'payments', id::text, status, '' from payments
    where status = 'refund_due' and next_attempt_at < '9998-01-01'
  union all select 'escalations', id::text, kind, '' from escalations where alerted_at is null and resolved_at is null
  union all select 'providers', id, 'gateway_unsubscribe_due', '' from providers
    where gateway_unsubscribe_due and opted_out_at is not null`

/** Waits until nothing is left to do but what waits for a person, a provider or a payer. */
export async function settled(product: Evidence, timeoutMs?: number): Promise<void> {
  let left: object[] = []
  await until(
    'everything to settle',
    async () => {
      await product.stripe.webhooksIdle()
      await product.textmagic.settled()
      left = await product.rows(UNDER_WAY)
      return left.length === 0
    },
    async () => JSON.stringify(left),
    timeoutMs,
  )
}
