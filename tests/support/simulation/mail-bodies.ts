import { receiptResource, replyResource } from '../../../src/sandbox/textmagic/resources.ts'
import type { Reply, SentMessage } from '../../../src/sandbox/textmagic/types.ts'

/** A request of a gateway to one of our webhooks, on its way. */
export type Mail = {
  from: 'textmagic' | 'stripe'
  /** What it is, without content. */
  label: string
  body: string
  /** Stripe's id of the event, by which it knows whether it was delivered. */
  eventId?: string
  /** It was answered 200. */
  onStored?: () => Promise<void>
}

/** A text on its way to our webhook, as TextMagic posts it. */
export function mailOfReply(reply: Reply): Mail {
  return { from: 'textmagic', label: `text ${reply.id}`, body: JSON.stringify(replyResource(reply)) }
}

/** A delivery receipt on its way to our webhook. */
export function mailOfReceipt(message: SentMessage): Mail {
  const label = `receipt ${message.status} of message ${message.referenceId}`
  return { from: 'textmagic', label, body: JSON.stringify(receiptResource(message)) }
}
