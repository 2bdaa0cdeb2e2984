import { type TProperties, Type } from 'typebox'

/** A body of exactly these properties. */
const body = <T extends TProperties>(properties: T) => Type.Object(properties, { additionalProperties: false })
const metadata = Type.Record(Type.String(), Type.String())
const settlement = Type.Union([Type.Literal('succeeded'), Type.Literal('failed')])

/** `link` is an id or a URL; `url` says the same. Or the id of an open `session`. Amount in minor units. */
export const payBody = body({
  link: Type.Optional(Type.String()),
  url: Type.Optional(Type.String()),
  session: Type.Optional(Type.String()),
  async: Type.Optional(Type.Boolean()),
  amount: Type.Optional(Type.Integer({ minimum: 1 })),
  currency: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  metadata: Type.Optional(metadata),
  force: Type.Optional(Type.Boolean()),
})

export const openSessionBody = body({ link: Type.String(), force: Type.Optional(Type.Boolean()) })

export const expireSessionBody = body({ session: Type.String() })

export const settleBody = Type.Union([
  body({ session: Type.String(), outcome: settlement }),
  body({ refund: Type.String(), outcome: settlement }),
])

/** Opens a dispute, or closes the one of this PaymentIntent. */
export const disputeBody = body({
  payment_intent: Type.String(),
  reason: Type.Optional(Type.String()),
  close: Type.Optional(Type.Union([Type.Literal('won'), Type.Literal('lost')])),
})

export const refundBody = body({
  payment_intent: Type.String(),
  amount: Type.Optional(Type.Integer({ minimum: 1 })),
  metadata: Type.Optional(metadata),
})

/** What becomes of refunds from now on; and the code to refuse the next one with. */
export const refundPlanBody = body({
  outcome: Type.Optional(
    Type.Union([
      Type.Literal('succeeded'),
      Type.Literal('pending'),
      Type.Literal('failed'),
      Type.Literal('pending_then_failed'),
    ]),
  ),
  fail_next: Type.Optional(Type.String()),
})

export const sendEventBody = body({ type: Type.String(), object: Type.Record(Type.String(), Type.Unknown()) })

export const resendEventBody = body({ event: Type.String(), duplicate: Type.Optional(Type.Boolean()) })

const release = body({
  shuffle: Type.Optional(Type.Boolean()),
  reverse: Type.Optional(Type.Boolean()),
  duplicate: Type.Optional(Type.Boolean()),
})

export const webhooksBody = body({
  url: Type.Optional(Type.String()),
  secret: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
  hold: Type.Optional(Type.Literal(true)),
  release: Type.Optional(Type.Union([Type.Literal(true), release])),
})

export const clockBody = body({ advance_seconds: Type.Number({ minimum: 0 }) })

/** The faults that make sense as Stripe's own answer. */
export const recordedFaultBody = body({
  kind: Type.Union([Type.Literal('status'), Type.Literal('accept_then_status')]),
  method: Type.Optional(Type.String()),
  path: Type.Optional(Type.String()),
  status: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
  body: Type.Optional(Type.Unknown()),
  times: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.Null()])),
  probability: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
})
