import type { Account } from './account.ts'
import type { CallbackSender } from './callback-sender.ts'
import type { PendingWork } from './pending-work.ts'
import { receiptResource } from './resources.ts'
import type { Settings } from './settings.ts'
import type { DeliveryStatus, Posted, SentMessage } from './types.ts'

type Outcome = { status: DeliveryStatus; rejectReason: string | null }

const delivered: Outcome = { status: 'd', rejectReason: null }
const unsubscribed: Outcome = { status: 'j', rejectReason: 'g' }

/** The statuses TextMagic posts a delivery callback for; the others are seen only by asking. */
const announced: ReadonlySet<DeliveryStatus> = new Set<DeliveryStatus>(['d', 'f', 'j', 'u'])

/** Decides what becomes of accepted messages and tells the account's owner. */
export class Receipts {
  readonly #account: Account
  readonly #callbacks: CallbackSender
  readonly #pending: PendingWork
  readonly #settings: () => Settings
  readonly #outcomes = new Map<string, Outcome>()

  constructor(account: Account, callbacks: CallbackSender, pending: PendingWork, settings: () => Settings) {
    this.#account = account
    this.#callbacks = callbacks
    this.#pending = pending
    this.#settings = settings
  }

  setOutcome(phone: string, outcome: Outcome): void {
    this.#outcomes.set(phone, outcome)
  }

  /**
   * Takes charge of a message just accepted. With `receiptBeforeAnswer` it resolves after its receipt was posted, else
   * at once. A number that is unsubscribed is rejected whatever the settings: TextMagic needs no operator for that.
   */
  async follow(message: SentMessage): Promise<void> {
    const { receipts, receiptBeforeAnswer, deliveryDelayMs } = this.#settings()
    const blocked = this.#account.isUnsubscribed(message.phone)
    if (receipts === 'manual' && !blocked) return
    const finish = async () => {
      // Decided by hand meanwhile: that decision stands.
      if (message.status !== 'q') return
      await this.set(message.id, blocked ? unsubscribed : (this.#outcomes.get(message.phone) ?? delivered))
    }
    if (receiptBeforeAnswer) await finish()
    else this.#pending.later(deliveryDelayMs, finish)
  }

  /** Sets the status and posts the receipt when that status has one. Throws when no message has this id. */
  async set(id: number, outcome: Outcome): Promise<Posted> {
    const message = this.#account.setStatus(id, outcome.status, outcome.rejectReason)
    if (!announced.has(outcome.status)) return { status: null }
    return await this.#callbacks.post({ kind: 'delivery', id, fields: receiptResource(message) })
  }
}
