import { keywordOf } from './keywords.ts'
import { cutTo, measure } from './sms-parts.ts'
import type { DeliveryStatus, Reply, SentMessage, Session, Unsubscriber } from './types.ts'

type StoredMessage = { -readonly [Key in keyof SentMessage]: SentMessage[Key] }

/** Everything an account holds, in a form that can be written to a file. */
export type AccountState = {
  messages: StoredMessage[]
  sessions: Session[]
  replies: Reply[]
  unsubscribers: Unsubscriber[]
  nextId: { message: number; session: number; reply: number; unsubscriber: number }
}

export type AcceptedSend = {
  phones: readonly string[]
  text: string
  from: string
  referenceId: string | null
  partsCount: number
}

// The first ids are the ones of TextMagic's own examples, so that a log line is recognised for what it is.
const emptyState = (): AccountState => ({
  messages: [],
  sessions: [],
  replies: [],
  unsubscribers: [],
  nextId: { message: 49_576_009, session: 34_436_600, reply: 1_782_832, unsubscriber: 77_001 },
})

/** The price of one message part, in the account's currency. */
export const partPrice = 0.04

/** One TextMagic account: what it sent, received and may not text. Ids grow and are never used twice. */
export class Account {
  readonly #state: AccountState
  readonly #now: () => Date
  readonly #listeners = new Set<() => void>()
  readonly #messages: Map<number, StoredMessage>
  readonly #sessions: Map<number, Session>
  readonly #replies: Map<number, Reply>
  readonly #unsubscribers: Map<string, Unsubscriber>

  constructor(now: () => Date, state: AccountState = emptyState()) {
    this.#now = now
    this.#state = state
    this.#messages = new Map(state.messages.map((message) => [message.id, message]))
    this.#sessions = new Map(state.sessions.map((session) => [session.id, session]))
    this.#replies = new Map(state.replies.map((reply) => [reply.id, reply]))
    this.#unsubscribers = new Map(state.unsubscribers.map((one) => [one.phone, one]))
  }

  get messages(): readonly SentMessage[] {
    return this.#state.messages
  }

  get sessions(): readonly Session[] {
    return this.#state.sessions
  }

  get replies(): readonly Reply[] {
    return this.#state.replies
  }

  get unsubscribers(): readonly Unsubscriber[] {
    return [...this.#unsubscribers.values()]
  }

  message(id: number): SentMessage | undefined {
    return this.#messages.get(id)
  }

  session(id: number): Session | undefined {
    return this.#sessions.get(id)
  }

  /** Stores one session with a queued message for each phone; the text is cut when it needs more parts. */
  accept(send: AcceptedSend): { session: Session; messages: readonly SentMessage[] } {
    const at = this.#now().toISOString()
    const text = cutTo(send.text, send.partsCount)
    const { charset, parts } = measure(text)
    const session: Session = {
      id: this.#state.nextId.session++,
      text,
      referenceId: send.referenceId,
      numbersCount: send.phones.length,
      price: parts * partPrice * send.phones.length,
      startTime: at,
    }
    const messages = send.phones.map(
      (phone): StoredMessage => ({
        id: this.#state.nextId.message++,
        sessionId: session.id,
        phone,
        text,
        referenceId: send.referenceId,
        from: send.from,
        partsCount: parts,
        charset,
        status: 'q',
        rejectReason: null,
        acceptedAt: at,
      }),
    )
    this.#state.sessions.push(session)
    this.#sessions.set(session.id, session)
    this.#state.messages.push(...messages)
    for (const message of messages) this.#messages.set(message.id, message)
    this.#changed()
    return { session, messages }
  }

  /** Throws when no message has this id. */
  setStatus(id: number, status: DeliveryStatus, rejectReason: string | null): SentMessage {
    const message = this.#messages.get(id)
    if (message === undefined) throw new Error(`The TextMagic emulator accepted no message ${id}`)
    message.status = status
    message.rejectReason = rejectReason
    this.#changed()
    return message
  }

  /** Stores a text from a person and acts on the words TextMagic knows. An id seen before stores nothing again. */
  receive(text: { id?: number | undefined; from: string; to: string; text: string; at?: Date | undefined }): Reply {
    const known = text.id === undefined ? undefined : this.#replies.get(text.id)
    if (known !== undefined) return known
    const id = text.id ?? this.#state.nextId.reply
    this.#state.nextId.reply = Math.max(this.#state.nextId.reply, id + 1)
    const receivedAt = (text.at ?? this.#now()).toISOString()
    const reply: Reply = { id, from: text.from, to: text.to, text: text.text, receivedAt }
    this.#state.replies.push(reply)
    this.#replies.set(id, reply)
    const keyword = keywordOf(text.text)
    if (keyword === 'stop') this.unsubscribe(text.from)
    if (keyword === 'start') this.subscribe(text.from)
    this.#changed()
    return reply
  }

  /** Blocks texts to `phone`; one already blocked stays as it is. */
  unsubscribe(phone: string): Unsubscriber {
    const known = this.#unsubscribers.get(phone)
    if (known !== undefined) return known
    const id = this.#state.nextId.unsubscriber++
    const unsubscriber: Unsubscriber = { id, phone, unsubscribedAt: this.#now().toISOString() }
    this.#unsubscribers.set(phone, unsubscriber)
    this.#changed()
    return unsubscriber
  }

  subscribe(phone: string): void {
    if (this.#unsubscribers.delete(phone)) this.#changed()
  }

  isUnsubscribed(phone: string): boolean {
    return this.#unsubscribers.has(phone)
  }

  /** A copy of everything, to be written to a file. */
  snapshot(): AccountState {
    return structuredClone({ ...this.#state, unsubscribers: [...this.#unsubscribers.values()] })
  }

  /** Calls the listener after each change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
