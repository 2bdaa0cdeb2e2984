import { Html, html } from '../../../html.ts'
import { formatMoney } from '../ledger/currencies.ts'
import type { LinkRecord, Session } from '../ledger/records.ts'
import { style } from './style.ts'

const defaultInactiveMessage = 'This payment link is no longer active.'

/** The checkout form of an open session; `problem` says why the last try to pay failed. */
export function checkoutPage(
  merchant: string,
  { items }: LinkRecord,
  session: Session,
  problem: string | null,
): string {
  const amount = formatMoney(session.amount_total, session.currency)
  const [first] = items
  const title = first?.name ?? 'Payment'
  const alert =
    problem === null ? null : html`<p class="problem" role="alert" data-testid="payment-problem">${problem}</p>`
  const content = html`<section class="summary" aria-label="Order summary">
    <p class="merchant" data-testid="merchant">${merchant}</p>
    <h1 data-testid="product-name">${title}</h1>
    <p class="amount" data-testid="amount">${amount}</p>
  </section>
  <form class="card" method="post" aria-label="Payment details" autocomplete="off">
    ${alert}
    <label>Email <input name="email" type="email" required value="customer@example.com" data-testid="email"></label>
    <label>Card number <input name="card_number" inputmode="numeric" required value="4242 4242 4242 4242" data-testid="card-number"></label>
    <div class="pair">
      <label>Expiry date <input name="card_expiry" required value="12 / 34" data-testid="card-expiry"></label>
      <label>Security code <input name="card_cvc" inputmode="numeric" required value="123" data-testid="card-cvc"></label>
    </div>
    <button type="submit" data-testid="pay-button">Pay ${amount}</button>
    <p class="after"><a href="/c/pay/${session.id}/cancelled" data-testid="cancel-link">Cancel</a></p>
  </form>`
  return page(`Pay ${merchant} ${amount}`, content)
}

export function successPage(merchant: string, session: Session): string {
  const amount = formatMoney(session.amount_total, session.currency)
  const isPaid = session.payment_status === 'paid'
  const heading = isPaid ? 'Payment successful' : 'Payment is being processed'
  const text = isPaid
    ? `You paid ${amount} to ${merchant}. You can close this page.`
    : `Your bank will confirm your payment of ${amount} to ${merchant} later. You can close this page.`
  return notice(heading, text, 'done', 'payment-complete')
}

/** What a visitor of a link that takes no payments any more sees: the message its owner set, else Stripe's. */
export function inactivePage(message: string | null): string {
  return notice('Link inactive', message ?? defaultInactiveMessage, 'off', 'inactive-message')
}

export function expiredPage({ link }: LinkRecord): string {
  return notice(
    'Session expired',
    'This checkout session has timed out. Nothing was charged.',
    'off',
    'expired',
    link.url,
  )
}

export function cancelledPage(session: Session): string {
  return notice('Payment cancelled', 'Nothing was charged.', 'off', 'payment-cancelled', `/c/pay/${session.id}`)
}

export function failurePage(): string {
  return notice('Something went wrong', 'Try again in a moment.', 'off', 'failure')
}

export function notFoundPage(): string {
  return notice('Page not found', 'There is no such payment link.', 'off', 'not-found')
}

function notice(heading: string, text: string, mark: 'done' | 'off', testId: string, backTo?: string): string {
  const back =
    backTo === undefined
      ? null
      : html`<p class="after"><a href="${backTo}" data-testid="back-link">Back to the payment page</a></p>`
  const sign = mark === 'done' ? new Html('&#10003;') : new Html('&#8212;')
  return page(
    heading,
    html`<section class="card notice">
    <span class="mark ${mark}" aria-hidden="true">${sign}</span>
    <h1>${heading}</h1>
    <p class="soft" data-testid="${testId}">${text}</p>
    ${back}
  </section>`,
  )
}

function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="robots" content="noindex">
  <title>${title}</title>
  <style>${new Html(style)}</style>
</head>
<body>
  <p class="test" role="note">Test mode: no real card is charged.</p>
  <main>
  ${content}
  </main>
</body>
</html>
`.markup
}
