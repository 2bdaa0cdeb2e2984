import type { MigrationObject } from '@mikro-orm/core'
import { Initial } from './0001-initial.ts'
import { EarlyPaymentEvents } from './0002-early-payment-events.ts'
import { Lists } from './0003-lists.ts'
import { ApiKeys } from './0004-api-keys.ts'
import { Analytics } from './0005-analytics.ts'
import { Retention } from './0007-retention.ts'
import { UnrecordedLinks } from './0008-unrecorded-links.ts'
import { Refunds } from './0009-refunds.ts'
import { BackfillMarks } from './0010-backfill-marks.ts'
import { StoppedNumbers } from './0011-stopped-numbers.ts'
import { AnsweredAt } from './0012-answered-at.ts'
import { PaymentDisputes } from './0013-payment-disputes.ts'
import { LeadTerms } from './0014-lead-terms.ts'
import { RareRows } from './0015-rare-rows.ts'
import { UnusedIndexes } from './0016-unused-indexes.ts'

/**
 * `lock`: takes every lock that the migration needs on tables that were there before, where it works on one and then needs
 * another. Whoever has that other one by then may wait for the first, and the migration would have to begin anew with all its
 * work, each time.
 */
type LockingMigration = MigrationObject & { lock?: string }

/** Every migration, oldest first. A landed one is never changed: add another. */
export const migrations: LockingMigration[] = [
  { name: '0001-initial', class: Initial },
  { name: '0002-early-payment-events', class: EarlyPaymentEvents },
  {
    name: '0003-lists',
    class: Lists,
    lock: `lock table providers in access exclusive mode;
      lock table lead_unlocks, payments, outbound_messages in share mode`,
  },
  { name: '0004-api-keys', class: ApiKeys },
  {
    name: '0005-analytics',
    class: Analytics,
    lock: `lock table payments in access exclusive mode;
      lock table lead_unlocks, unlock_events in share row exclusive mode`,
  },
  {
    name: '0007-retention',
    class: Retention,
    lock: `lock table leads, webhook_inbox, outbound_messages in access exclusive mode;
      lock table escalations, idempotency_keys in share mode`,
  },
  { name: '0008-unrecorded-links', class: UnrecordedLinks },
  { name: '0009-refunds', class: Refunds },
  { name: '0010-backfill-marks', class: BackfillMarks },
  { name: '0011-stopped-numbers', class: StoppedNumbers },
  { name: '0012-answered-at', class: AnsweredAt },
  { name: '0013-payment-disputes', class: PaymentDisputes },
  { name: '0014-lead-terms', class: LeadTerms },
  {
    name: '0015-rare-rows',
    class: RareRows,
    lock: 'lock table payments, outbound_messages in share mode',
  },
  {
    name: '0016-unused-indexes',
    class: UnusedIndexes,
    lock: 'lock table webhook_inbox, outbound_messages in access exclusive mode',
  },
]
