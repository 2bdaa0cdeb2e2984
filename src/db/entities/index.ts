import { ApiKey } from './api-key.ts'
import { AuditEntry } from './audit-entry.ts'
import { Escalation } from './escalation.ts'
import { InboxRow } from './inbox-row.ts'
import { Lead } from './lead.ts'
import { OutboundMessage } from './outbound-message.ts'
import { Payment } from './payment.ts'
import { PaymentLink } from './payment-link.ts'
import { Provider } from './provider.ts'
import { Unlock } from './unlock.ts'
import { UnlockEventRow } from './unlock-event.ts'

export const entities = [
  ApiKey,
  AuditEntry,
  Escalation,
  InboxRow,
  Lead,
  OutboundMessage,
  Payment,
  PaymentLink,
  Provider,
  Unlock,
  UnlockEventRow,
]

export {
  ApiKey,
  AuditEntry,
  Escalation,
  InboxRow,
  Lead,
  OutboundMessage,
  Payment,
  PaymentLink,
  Provider,
  Unlock,
  UnlockEventRow,
}
