/** A row of a timeline: the state reached, seconds after the lead was posted, and the cause. */
type Step = readonly [to: string, seconds: number, cause?: string]
type Paid = { status?: string; amount?: number; currency?: string; refunded?: number; dispute?: string }
type Story = {
  what: string
  city: string
  /** When the lead was posted. */
  posted: string
  /** One for each provider it was offered to. */
  unlocks: { steps: readonly Step[]; payments?: readonly Paid[] }[]
}

export const FROM = '2026-03-01T10:00:00.000Z'
export const TO = '2026-03-02T10:00:00.000Z'
const POSTED = '2026-03-01T12:00:00.000Z'

const TEASER: readonly Step[] = [
  ['TEASER_SENT', 10, 'sms:teaser'],
  ['AWAIT_CONFIRM', 10, 'sms:teaser'],
]
const yes = (after: number): Step[] => [['CHECK_EXISTING_PAYMENT', 10 + after, 'reply']]
const no = (after: number): Step[] => [['EXPIRED', 10 + after, 'reply']]
const link = (at: number): Step[] => [
  ['CREATE_PAYMENT_LINK', at, 'no payment found'],
  ['PAYMENT_LINK_SENT', at, 'sms:payment_link'],
  ['AWAITING_PAYMENT', at, 'sms:payment_link'],
]
const paid = (at: number): Step[] => [['PAID', at, 'stripe: paid']]
const revealed = (at: number): Step[] => [
  ['REVEAL_DETAILS_SENT', at, 'sms:reveal'],
  ['DONE', at, 'delivered'],
]
const SALE = [...TEASER, ...yes(60), ...link(100), ...paid(300), ...revealed(310)]

/** Timelines made by hand; what they come to is worked out by hand in the test. */
export const STORIES: readonly Story[] = [
  { what: 'sold, posted at the first moment', city: 'Miami', posted: FROM, unlocks: [{ steps: SALE, payments: [{}] }] },
  { what: 'declined', city: 'Miami', posted: POSTED, unlocks: [{ steps: [...TEASER, ...no(120)] }] },
  {
    what: 'never answered',
    city: 'Miami',
    posted: POSTED,
    unlocks: [{ steps: [...TEASER, ['EXPIRED', 90_000, 'ttl']] }],
  },
  {
    what: 'accepted, never paid; a Y long after is on no timeline',
    city: 'Miami',
    posted: POSTED,
    unlocks: [{ steps: [...TEASER, ...yes(45), ...link(60), ['EXPIRED', 90_000, 'ttl']] }],
  },
  {
    what: 'declined, accepted after all, refunded in part',
    city: 'Miami',
    posted: POSTED,
    unlocks: [
      {
        steps: [...TEASER, ...no(30), ...yes(90), ...link(110), ...paid(200), ['PAID', 250, 'refunded in part: 500']],
        payments: [{ amount: 2500, refunded: 500 }],
      },
    ],
  },
  {
    what: 'paid after it had expired',
    city: 'Miami',
    posted: POSTED,
    unlocks: [
      {
        steps: [...TEASER, ...yes(600), ...link(650), ['EXPIRED', 90_000, 'ttl'], ...paid(90_100)],
        payments: [{}],
      },
    ],
  },
  {
    what: 'sold, refunded by hand; paid twice before',
    city: 'Miami',
    posted: POSTED,
    unlocks: [
      {
        steps: [...TEASER, ...yes(240), ...link(300), ...paid(400), ['EXPIRED', 500, 'operator refund']],
        payments: [{ status: 'refunded', refunded: 2000 }, { status: 'refund_due' }],
      },
    ],
  },
  {
    what: 'answered before the acceptance of the teaser was recorded, and found paid at Stripe',
    city: 'Miami',
    posted: POSTED,
    unlocks: [
      {
        steps: [
          ['TEASER_SENT', 20, 'reply'],
          ['AWAIT_CONFIRM', 20, 'reply'],
          ['CHECK_EXISTING_PAYMENT', 20, 'reply'],
          ['PAID', 30, 'found at stripe'],
        ],
        payments: [{}],
      },
    ],
  },
  {
    what: 'declined before the acceptance of the teaser was recorded',
    city: 'Miami',
    posted: POSTED,
    unlocks: [{ steps: [['EXPIRED', 5, 'reply']] }],
  },
  { what: 'never sent', city: 'Miami', posted: POSTED, unlocks: [{ steps: [['EXPIRED', 90_000, 'ttl']] }] },
  {
    what: 'offered to three: sold in euros, stopped, accepted with money of the wrong amount',
    city: 'Berlin',
    posted: '2026-03-02T09:59:59.999Z',
    unlocks: [
      {
        steps: [...TEASER, ...yes(3600), ...link(3700), ...paid(4000), ...revealed(4010)],
        payments: [{ amount: 1500, currency: 'eur' }],
      },
      { steps: [...TEASER, ['OPTED_OUT', 100, 'stop']] },
      {
        steps: [...TEASER, ...yes(7200), ...link(7300)],
        payments: [{ status: 'held', amount: 999, currency: 'eur' }],
      },
    ],
  },
  {
    what: 'declined with the link in hand, accepted again, sold, lost in a dispute',
    city: 'Berlin',
    posted: POSTED,
    unlocks: [
      {
        steps: [...TEASER, ...yes(1800), ...link(1900), ...no(2000), ...yes(2100), ...link(2200), ...paid(2300)],
        payments: [{ dispute: 'closed: lost' }],
      },
    ],
  },
  { what: 'offered to nobody', city: 'Osaka', posted: POSTED, unlocks: [] },
  {
    what: 'sold, posted a moment too early',
    city: 'Miami',
    posted: '2026-03-01T09:59:59.999Z',
    unlocks: [{ steps: SALE, payments: [{}] }],
  },
  { what: 'sold, posted too late', city: 'Miami', posted: TO, unlocks: [{ steps: SALE, payments: [{}] }] },
]

type Execute = (sql: string, values: unknown[]) => Promise<{ id: number }[]>

/** Stores the stories as the product would have, row by row. @param providers as many as one lead is offered to */
export async function store(execute: Execute, providers: readonly string[]): Promise<void> {
  for (const [number, { city, posted, unlocks }] of STORIES.entries()) {
    const lead = `lead_story${String(number).padStart(3, '0')}`
    await execute(
      `insert into leads (id, city, service_type, client_name, client_phone, created_at) values (?, ?, '', 'x', 'x', ?)`,
      [lead, city, posted],
    )
    for (const [index, { steps, payments = [] }] of unlocks.entries()) {
      const [unlock] = await execute(
        `insert into lead_unlocks (lead_id, provider_id, price_cents, currency, ttl_expires_at)
         values (?, ?, 2000, 'usd', app_now()) returning id`,
        [lead, providers[index]],
      )
      let status = 'NEW_LEAD'
      for (const [to, seconds, cause] of steps) {
        await execute(
          `insert into unlock_events (unlock_id, from_status, to_status, cause, at)
           values (?, ?, ?, ?, ?::timestamptz + make_interval(secs => ?))`,
          [unlock?.id, status, to, cause, posted, seconds],
        )
        status = to
      }
      for (const [times, payment] of payments.entries()) {
        await execute(
          `insert into payments (unlock_id, checkout_session_id, amount_cents, currency, status, refunded_cents, dispute_status)
           values (?, ?, ?, ?, ?, ?, ?)`,
          [
            unlock?.id,
            `cs_${unlock?.id}_${times}`,
            payment.amount ?? 2000,
            payment.currency ?? 'usd',
            payment.status ?? 'kept',
            payment.refunded ?? 0,
            payment.dispute ?? null,
          ],
        )
      }
    }
  }
}
