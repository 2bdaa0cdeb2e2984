import { newId } from './ids.ts'
import type { Ledger } from './ledger.ts'
import type { Charge, Dispute } from './records.ts'
import { found, Refusal } from './refusal.ts'

const daysToRespond = 7

/** The cardholder's bank takes the money of a charge back. It may do so more than once. */
export function openDispute(ledger: Ledger, charge: Charge, reason = 'fraudulent'): Dispute {
  ledger.state.charges.put({ ...charge, disputed: true })
  const dispute = ledger.state.disputes.put(newDispute(charge, reason, ledger.clock.seconds()))
  ledger.emit('charge.dispute.created', dispute)
  return dispute
}

/** The bank decides. */
export function closeDispute(ledger: Ledger, disputeId: string, outcome: 'won' | 'lost'): Dispute {
  const dispute = found(ledger.state.disputes.get(disputeId), 'dispute', disputeId)
  if (dispute.status === 'won' || dispute.status === 'lost') {
    throw new Refusal('not_disputable', `Dispute ${dispute.id} is closed already`)
  }
  const closed = ledger.state.disputes.put({
    ...dispute,
    status: outcome,
    is_charge_refundable: outcome === 'won',
  })
  ledger.emit('charge.dispute.closed', closed)
  return closed
}

/** The dispute that keeps a charge from being refunded: any but one that was won. */
export function blockingDispute(ledger: Ledger, chargeId: string): Dispute | undefined {
  return ledger.state.disputes.all().find((dispute) => dispute.charge === chargeId && dispute.status !== 'won')
}

function newDispute(charge: Charge, reason: string, created: number): Dispute {
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
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason,
    status: 'needs_response',
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
