import { newId } from './ids.ts'
import type { Ledger } from './ledger.ts'
import type { Charge, Dispute } from './records.ts'
import { found, Refusal } from './refusal.ts'

const daysToRespond = 7

/** The cardholder's bank takes the money of a charge back. It may do so more than once. */
export function openDispute(ledger: Ledger, charge: Charge, reason = 'fraudulent'): Dispute {
  const dispute = open(ledger, charge, reason, 'needs_response')
  ledger.emit('charge.dispute.funds_withdrawn', dispute)
  return dispute
}

/** The bank asks about a charge and takes nothing yet. */
export function openInquiry(ledger: Ledger, charge: Charge): Dispute {
  return open(ledger, charge, 'fraudulent', 'warning_needs_response')
}

/** The answer did not satisfy the bank: it takes the money, and the dispute keeps its id. */
export function escalateInquiry(ledger: Ledger, disputeId: string): Dispute {
  const dispute = found(ledger.state.disputes.get(disputeId), 'dispute', disputeId)
  if (!isInquiry(dispute)) throw new Refusal('not_disputable', `Dispute ${dispute.id} is no inquiry`)
  const escalated = ledger.state.disputes.put({ ...dispute, status: 'needs_response', is_charge_refundable: false })
  ledger.emit('charge.dispute.updated', escalated)
  ledger.emit('charge.dispute.funds_withdrawn', escalated)
  return escalated
}

function open(ledger: Ledger, charge: Charge, reason: string, status: Dispute['status']): Dispute {
  ledger.state.charges.put({ ...charge, disputed: true })
  const dispute = ledger.state.disputes.put(newDispute(charge, reason, status, ledger.clock.seconds()))
  ledger.emit('charge.dispute.created', dispute)
  return dispute
}

function isInquiry({ status }: Dispute): boolean {
  return status.startsWith('warning_')
}

/**
 * The bank decides. An inquiry that it is content with is closed, and neither won nor lost; what was lost may be won on
 * appeal.
 */
export function closeDispute(ledger: Ledger, disputeId: string, outcome: 'won' | 'lost'): Dispute {
  const dispute = found(ledger.state.disputes.get(disputeId), 'dispute', disputeId)
  const isAppealed = dispute.status === 'lost' && outcome === 'won'
  if (['won', 'lost', 'warning_closed'].includes(dispute.status) && !isAppealed) {
    throw new Refusal('not_disputable', `Dispute ${dispute.id} is closed already`)
  }
  const closed = ledger.state.disputes.put({
    ...dispute,
    status: isInquiry(dispute) ? 'warning_closed' : outcome,
    is_charge_refundable: isInquiry(dispute) || outcome === 'won',
  })
  ledger.emit('charge.dispute.closed', closed)
  return closed
}

/** The dispute that keeps a charge from being refunded: any that took its money and was not won. */
export function blockingDispute(ledger: Ledger, chargeId: string): Dispute | undefined {
  return ledger.state.disputes
    .all()
    .find((dispute) => dispute.charge === chargeId && dispute.status !== 'won' && !isInquiry(dispute))
}

function newDispute(charge: Charge, reason: string, status: Dispute['status'], created: number): Dispute {
  return {
    id: newId('dp'),
    object: 'dispute',
    amount: charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: noEvidence,
    evidence_details: {
      due_by: created + daysToRespond * 24 * 60 * 60,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'none',
    },
    intended_submission_method: null,
    is_charge_refundable: status.startsWith('warning_'),
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason,
    status,
  }
}

const noEvidence: Dispute['evidence'] = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
}
