import type { Ledger } from '../ledger/ledger.ts'
import type { DeliveryAttempt, StripeEvent } from '../ledger/records.ts'
import { found } from '../ledger/refusal.ts'
import type { ReleaseOptions, WebhookSender } from './sender.ts'

/** What tests and the sandbox do to the delivery of events. */
export type WebhookControl = {
  /** Posts an event once more now, or twice at the same moment. */
  resendEvent(eventId: string, options?: { duplicate?: boolean | undefined }): Promise<DeliveryAttempt[]>
  /** Sends a signed event of any type about any object. */
  sendEvent(type: string, object: object): Promise<StripeEvent>
  /** Changes where events go, what signs them, or both, from the next attempt on. */
  setWebhook(change: { url?: string | undefined; secret?: string | readonly string[] | undefined }): void
  /** Keeps events back until released; the API shows them as not delivered. */
  holdWebhooks(): void
  /** Sends what was held, in a chosen order; resolves once each was tried. */
  releaseWebhooks(options?: ReleaseOptions): Promise<void>
  /** Resolves once nothing is being delivered and no retry is due. */
  webhooksIdle(): Promise<void>
}

export function webhookControl({ state, emit }: Ledger, sender: WebhookSender): WebhookControl {
  return {
    async resendEvent(eventId, options = {}) {
      found(state.events.get(eventId), 'event', eventId)
      return sender.resend(eventId, options.duplicate === true ? 2 : 1)
    },
    async sendEvent(type, object) {
      return emit(type, object)
    },
    setWebhook({ url, secret }) {
      const { endpoint } = sender
      sender.setEndpoint({
        url: url ?? endpoint.url,
        secrets: secret === undefined ? endpoint.secrets : secretsOf(secret),
      })
    },
    holdWebhooks() {
      sender.hold()
    },
    async releaseWebhooks(options) {
      await sender.release(options)
    },
    async webhooksIdle() {
      await sender.idle()
    },
  }
}

export function secretsOf(secret: string | readonly string[]): readonly string[] {
  return typeof secret === 'string' ? [secret] : secret
}
