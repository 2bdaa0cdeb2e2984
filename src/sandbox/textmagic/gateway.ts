import type { AcceptedSend, Account } from './account.ts'
import type { CallbackSender } from './callback-sender.ts'
import { keywordOf } from './keywords.ts'
import type { Receipts } from './receipts.ts'
import type { RequestRate } from './request-rate.ts'
import { replyResource } from './resources.ts'
import type { Settings } from './settings.ts'
import type { IncomingText, Posted, SentMessage, Session } from './types.ts'

export type GatewayParts = {
  account: Account
  receipts: Receipts
  callbacks: CallbackSender
  rate: RequestRate
  settings: () => Settings
  configure: (changes: Partial<Settings>) => void
  /** Resolves once the account's state is safe; at once when it is kept in memory only. */
  saved: () => Promise<void>
}

/** What the routes and the emulator's own functions share: an account, and what happens when it is used. */
export class Gateway {
  readonly parts: GatewayParts

  constructor(parts: GatewayParts) {
    this.parts = parts
  }

  /** Accepts a send. It is saved before it is answered, because an id given out must never be given out again. */
  async send(send: AcceptedSend): Promise<{ session: Session; messages: readonly SentMessage[] }> {
    const { account, receipts, saved } = this.parts
    const accepted = account.accept(send)
    await saved()
    for (const message of accepted.messages) await receipts.follow(message)
    return accepted
  }

  /** A person texts this account. */
  async receive(incoming: IncomingText): Promise<{ id: number } & Posted> {
    const { account, callbacks, saved } = this.parts
    const settings = this.parts.settings()
    const from = digits(incoming.from)
    const to = digits(incoming.to ?? this.#lastSenderTo(from) ?? settings.defaultSender)
    const reply = account.receive({ id: incoming.id, from, to, text: incoming.text, at: incoming.at })
    await saved()
    if (keywordOf(reply.text) === 'stop' && !settings.stopReachesCallback) return { id: reply.id, status: null }
    const posted = await callbacks.post({ kind: 'inbound', id: reply.id, fields: replyResource(reply) })
    return { id: reply.id, ...posted }
  }

  /** The sender of the last message to a phone, which is the number its owner answers to; none when it has no digits. */
  #lastSenderTo(phone: string): string | undefined {
    const last = this.parts.account.messages.findLast((message) => message.phone === phone)
    return last !== undefined && /^\d+$/.test(last.from) ? last.from : undefined
  }
}

/** A phone number as TextMagic writes it. */
export function digits(phone: string): string {
  return phone.replace(/\D/g, '')
}
