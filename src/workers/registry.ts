import { type JobName, jobNames } from '../queues/contract.ts'
import type { JobHandler } from './job.ts'
import { alert } from './jobs/alert.ts'
import { backfill } from './jobs/backfill.ts'
import { closePaymentLink } from './jobs/close-payment-link.ts'
import { confirmDelivery } from './jobs/confirm-delivery.ts'
import { createPaymentLink } from './jobs/create-payment-link.ts'
import { eraseContacts } from './jobs/erase-contacts.ts'
import { expire } from './jobs/expire.ts'
import { forwardMessage } from './jobs/forward-message.ts'
import { handlePayment } from './jobs/handle-payment.ts'
import { handleReceipt } from './jobs/handle-receipt.ts'
import { handleReply } from './jobs/handle-reply.ts'
import { refundPayment } from './jobs/refund-payment.ts'
import { reveal } from './jobs/reveal.ts'
import { sendNotice } from './jobs/send-notice.ts'
import { sendTeaser } from './jobs/send-teaser.ts'
import { sweep } from './jobs/sweep.ts'
import { unsubscribeNumber } from './jobs/unsubscribe-number.ts'

/** Every job, by name. */
export type Registry = Map<JobName, JobHandler>

const handlers = [
  sendTeaser,
  handleReply,
  createPaymentLink,
  closePaymentLink,
  handlePayment,
  reveal,
  expire,
  forwardMessage,
  handleReceipt,
  confirmDelivery,
  sendNotice,
  refundPayment,
  unsubscribeNumber,
  alert,
  sweep,
  backfill,
  eraseContacts,
] as unknown as JobHandler[]

/**
 * @returns one handler for each job of the contract
 * @throws {Error} when a job has no handler, or two
 */
export function createRegistry(list: readonly JobHandler[] = handlers): Registry {
  const registry: Registry = new Map()
  for (const handler of list) {
    if (registry.has(handler.name)) throw new Error(`job ${handler.name} has two handlers`)
    registry.set(handler.name, handler)
  }
  const missing = jobNames.filter((name) => !registry.has(name))
  if (missing.length > 0) throw new Error(`no handler for ${missing.join(', ')}`)
  return registry
}
