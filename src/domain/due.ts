/**
 * Work that Postgres says is due, named as the job that does it. Written by whoever changes the truth, published after
 * the commit, and found again by the sweep when the publication was lost. Ids only: a job never carries content.
 */
export type Due =
  | { job: 'send-teaser'; unlock_id: number }
  | { job: 'handle-reply'; inbox_id: number }
  | { job: 'create-payment-link'; unlock_id: number }
  | { job: 'close-payment-link'; payment_link_id: number }
  | { job: 'handle-payment'; inbox_id: number }
  | { job: 'reveal'; unlock_id: number }
  | { job: 'expire'; unlock_id: number }
  | { job: 'forward-message'; inbox_id: number }
  | { job: 'handle-receipt'; inbox_id: number }
  | { job: 'confirm-delivery'; unlock_id: number }
  | { job: 'send-notice'; message_id: number }
  | { job: 'refund-payment'; payment_id: number }
  | { job: 'unsubscribe-number'; provider_id: string }
  | { job: 'alert'; escalation_id: number }
