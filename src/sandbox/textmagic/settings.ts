import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

const url = Type.Union([Type.String({ pattern: '^https?://' }), Type.Null()])

/** What can be changed while the emulator runs. Unknown names are refused, so that a misspelt setting is noticed. */
export const settingsSchema = Type.Object(
  {
    /** Where texts from people are posted, token included; null posts nothing. */
    inboundUrl: url,
    /** Where delivery receipts are posted, token included; null posts nothing. */
    deliveryUrl: url,
    /** How callbacks are written: an account setting at TextMagic. */
    encoding: Type.Union([Type.Literal('json'), Type.Literal('urlencoded'), Type.Literal('multipart')]),
    /** `auto` decides each message's fate by itself; `manual` waits for `deliver`. */
    receipts: Type.Union([Type.Literal('auto'), Type.Literal('manual')]),
    /** Milliseconds from acceptance to the automatic receipt. */
    deliveryDelayMs: Type.Integer({ minimum: 0 }),
    /** Posts the automatic receipt before the send is answered: the race a client must survive. */
    receiptBeforeAnswer: Type.Boolean(),
    /** Senders this account may use; null allows every well-formed one, or none at all with `rejectFrom`. */
    allowedSenders: Type.Union([Type.Array(Type.String()), Type.Null()]),
    /** Answers 400 to a sender that is not allowed, as some accounts do, instead of replacing it. */
    rejectFrom: Type.Boolean(),
    /** The sender used when none, or none that is allowed, is given. Digits only. */
    defaultSender: Type.String({ pattern: '^[0-9]+$' }),
    /** Whether a STOP that TextMagic acts on is posted to `inboundUrl` as well: not documented. */
    stopReachesCallback: Type.Boolean(),
    /** Whether listed messages embed their session with its reference: both are seen. */
    embedSession: Type.Boolean(),
    /** Requests to the API accepted per second before 429; null never refuses. */
    ratePerSecond: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  },
  { additionalProperties: false },
)

export type Settings = Static<typeof settingsSchema>

export const defaultSettings: Readonly<Settings> = {
  inboundUrl: null,
  deliveryUrl: null,
  encoding: 'json',
  receipts: 'auto',
  deliveryDelayMs: 50,
  receiptBeforeAnswer: false,
  allowedSenders: null,
  rejectFrom: false,
  defaultSender: '447624800500',
  stopReachesCallback: true,
  embedSession: true,
  ratePerSecond: null,
}

/** `settings` with `changes` applied; a change that is undefined changes nothing. Throws naming what is malformed. */
export function changeSettings(settings: Readonly<Settings>, changes: Partial<Settings>): Settings {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  const changed: unknown = { ...settings, ...Object.fromEntries(given) }
  if (Value.Check(settingsSchema, changed)) return changed
  const wrong = Value.Errors(settingsSchema, changed).map((error) => `${error.instancePath} ${error.message}`)
  throw new Error(`TextMagic emulator settings: ${wrong.join('; ')}`)
}
