import type { FaultSwitch } from '../faults.ts'
import type { Settings } from './settings.ts'
import type { Charset } from './sms-parts.ts'

/**
 * Delivery status of an outbound message, one letter as TextMagic writes it: q queued, s scheduled, r sent,
 * a acknowledged, b operator queue, d delivered, f failed, e error, j rejected, u unknown, g unsubscribed.
 */
export type DeliveryStatus = 'q' | 's' | 'r' | 'a' | 'b' | 'd' | 'f' | 'e' | 'j' | 'u' | 'g'

/** A message the gateway accepted for one phone. */
export type SentMessage = {
  readonly id: number
  readonly sessionId: number
  /** Receiver, digits only. */
  readonly phone: string
  readonly text: string
  /** The sender's own reference, as the decimal text TextMagic gives back. */
  readonly referenceId: string | null
  /** The sender the receiver saw: the default one when what was asked for is not allowed. */
  readonly from: string
  readonly partsCount: number
  readonly charset: Charset
  readonly status: DeliveryStatus
  readonly rejectReason: string | null
  /** ISO 8601. */
  readonly acceptedAt: string
}

/** One send request, over all its receivers. */
export type Session = {
  readonly id: number
  readonly text: string
  readonly referenceId: string | null
  readonly numbersCount: number
  readonly price: number
  /** ISO 8601. */
  readonly startTime: string
}

/** A text a person sent to us. */
export type Reply = {
  readonly id: number
  /** Sender, digits only. */
  readonly from: string
  /** Our number it was sent to, digits only. */
  readonly to: string
  readonly text: string
  /** ISO 8601. */
  readonly receivedAt: string
}

export type Unsubscriber = { readonly id: number; readonly phone: string; readonly unsubscribedAt: string }

/** One callback, posted. Holds no query string, because the webhook token travels there. */
export type CallbackPost = {
  readonly kind: 'inbound' | 'delivery'
  /** Id of the reply or message it told about. */
  readonly id: number
  readonly path: string
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null
  readonly error: string | null
  readonly at: string
}

export type IncomingText = {
  /** Sender; anything but digits is ignored. */
  from: string
  text: string
  /** Id to post it under. One used before posts the callback again and stores nothing: a repeated delivery. */
  id?: number
  /** When it was sent; now when absent. */
  at?: Date
  /** Our number it was sent to; the one that last texted this phone when absent. */
  to?: string
}

/** `status` is the HTTP status that answered the callback; null when none was posted or answered. */
export type Posted = { status: number | null }

export type TextMagicOptions = Partial<Settings> & {
  username: string
  apiKey: string
  /** 0, the default, takes a free port. */
  port?: number
  /** Keeps messages, replies and unsubscribers over restarts. */
  stateFile?: string
  /** Clock of the times in answers; the request rate is always measured in real time. */
  now?: () => Date
  /** Source for faults with a probability. */
  random?: () => number
}

export type TextMagicEmulator = {
  /** Base address, without a trailing slash. */
  readonly url: string
  readonly faults: FaultSwitch
  /** Every accepted message, oldest first. */
  messages(): readonly SentMessage[]
  /** Every text received from a person, oldest first. */
  replies(): readonly Reply[]
  /** Every callback that was posted, oldest first. */
  callbacks(): readonly CallbackPost[]
  /** The most requests to the API that arrived within any one second, answered well or not. */
  maxPerSecond(): number
  /** A person texts: it is stored among the replies and posted to `inboundUrl`. */
  reply(incoming: IncomingText): Promise<{ id: number } & Posted>
  /** Sets a message's status and posts its receipt, when that status has one. Throws when the message is unknown. */
  deliver(messageId: number, status: DeliveryStatus, rejectReason?: string): Promise<Posted>
  /** Changes settings while running. */
  configure(settings: Partial<Settings>): void
  /** What automatic receipts say for this phone from now on. */
  setReceiptOutcome(phone: string, status: DeliveryStatus, rejectReason?: string): void
  unsubscribe(phone: string): void
  subscribe(phone: string): void
  isUnsubscribed(phone: string): boolean
  /** Calls the listener after every change of what this account holds; returns how to stop that. */
  onChange(listener: () => void): () => void
  /** Resolves once no receipt is waiting and no callback is being posted. */
  settled(): Promise<void>
  close(): Promise<void>
}
