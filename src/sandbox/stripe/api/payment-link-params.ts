import { invalidRequest, parameterMissing } from '../api-error.ts'
import { amountStep, formatMoney, isSupportedCurrency, minimumCharge } from '../ledger/currencies.ts'
import type { LinkUpdate, NewLink } from '../ledger/links.ts'
import { mergeMetadata } from '../ledger/metadata.ts'
import type { RawObject } from './form.ts'
import {
  bool,
  type Decoder,
  integer,
  list,
  metadata,
  notEmulated,
  object,
  oneOf,
  optional,
  text,
  unsettableText,
} from './params.ts'

/** https://docs.stripe.com/api/payment_links/payment_links/create: the largest amount is eight digits. */
const largestAmount = 99_999_999
const longestInactiveMessage = 500

const currency: Decoder<string> = (raw, path) => {
  const code = text()(raw, path).toLowerCase()
  if (!isSupportedCurrency(code)) throw invalidRequest(`Invalid currency: ${code}`, undefined, path)
  return code
}

const priceData = object({
  currency,
  product: notEmulated,
  product_data: object({
    name: text(250),
    description: notEmulated,
    images: notEmulated,
    metadata: notEmulated,
    tax_code: notEmulated,
    unit_label: notEmulated,
  }),
  recurring: notEmulated,
  tax_behavior: notEmulated,
  unit_amount: integer(0),
  unit_amount_decimal: notEmulated,
})

const notEmulatedYet = Object.fromEntries(
  `after_completion allow_promotion_codes application_fee_amount application_fee_percent automatic_tax billing_address_collection
  consent_collection custom_fields custom_text customer_creation invoice_creation managed_payments name_collection
  on_behalf_of optional_items payment_method_collection payment_method_options phone_number_collection
  shipping_address_collection shipping_options submit_type subscription_data tax_id_collection transfer_data`
    .split(/\s+/)
    .map((name) => [name, notEmulated]),
)

const createParams = object({
  ...notEmulatedYet,
  currency: notEmulated,
  inactive_message: optional(text(longestInactiveMessage)),
  line_items: list(
    object({ price: notEmulated, price_data: priceData, quantity: integer(1), adjustable_quantity: notEmulated }),
    20,
  ),
  metadata: optional(metadata),
  payment_intent_data: optional(
    object({
      capture_method: notEmulated,
      description: notEmulated,
      metadata: optional(metadata),
      setup_future_usage: notEmulated,
      statement_descriptor: notEmulated,
      statement_descriptor_suffix: notEmulated,
      transfer_group: notEmulated,
    }),
  ),
  payment_method_types: optional(list(oneOf('card', 'us_bank_account', 'sepa_debit'), 20)),
  restrictions: optional(object({ completed_sessions: object({ limit: integer(1) }) })),
})

const updateParams = object({
  ...notEmulatedYet,
  active: optional(bool),
  inactive_message: optional(unsettableText(longestInactiveMessage)),
  line_items: notEmulated,
  metadata: optional(metadata),
  payment_intent_data: notEmulated,
  payment_method_types: notEmulated,
  restrictions: notEmulated,
})

/** Reads and checks the parameters of a new link. Throws Stripe's 400 for what Stripe refuses. */
export function readNewLink(params: RawObject): NewLink {
  const read = createParams(params, '')
  const currencies = new Set(read.line_items.map((item) => item.price_data.currency))
  const [first] = currencies
  if (first === undefined) throw parameterMissing('line_items')
  if (currencies.size > 1) {
    throw invalidRequest('All line items must have the currency of the payment link.', undefined, 'line_items')
  }
  const items = read.line_items.map(({ price_data: price, quantity }) => ({
    name: price.product_data.name,
    unitAmount: price.unit_amount,
    quantity,
  }))
  checkTotal(
    items.reduce((sum, item) => sum + item.unitAmount * item.quantity, 0),
    first,
  )
  return {
    items,
    currency: first,
    metadata: mergeMetadata({}, read.metadata),
    paymentIntentMetadata: mergeMetadata({}, read.payment_intent_data?.metadata),
    paymentMethodTypes: read.payment_method_types ?? null,
    inactiveMessage: read.inactive_message ?? null,
    completedSessionsLimit: read.restrictions?.completed_sessions.limit ?? null,
  }
}

export function readLinkUpdate(params: RawObject): LinkUpdate {
  const read = updateParams(params, '')
  return { active: read.active, metadata: read.metadata, inactiveMessage: read.inactive_message }
}

function checkTotal(total: number, currencyCode: string): void {
  const param = 'line_items[0][price_data][unit_amount]'
  const minimum = minimumCharge(currencyCode)
  if (total < minimum) {
    const message = `The total amount due must add up to at least ${formatMoney(minimum, currencyCode)} ${currencyCode}`
    throw invalidRequest(message, 'amount_too_small', param)
  }
  if (total > largestAmount) {
    throw invalidRequest(
      `Amount must be no more than ${formatMoney(largestAmount, currencyCode)}`,
      'amount_too_large',
      param,
    )
  }
  const step = amountStep(currencyCode)
  if (total % step !== 0) {
    const code = step === 100 ? 'invalid_charge_amount_no_decimal_compatible' : 'parameter_invalid_integer'
    throw invalidRequest(`Invalid amount. In ${currencyCode} amounts must be divisible by ${step}.`, code, param)
  }
}
