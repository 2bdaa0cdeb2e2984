import { Migration } from '@mikro-orm/migrations'

/** An unlock that was left while its link was being made stays due until Stripe was asked for that link. */
export class UnrecordedLinks extends Migration {
  override up(): void {
    this.addSql(`
      alter table lead_unlocks add column link_unrecorded boolean not null default false;
      drop index lead_unlocks_due;
      create index lead_unlocks_due on lead_unlocks (next_attempt_at)
        where status in ('CHECK_EXISTING_PAYMENT','CREATE_PAYMENT_LINK','PAID') or link_unrecorded;
    `)
  }

  override down(): void {
    this.addSql(`
      drop index lead_unlocks_due;
      alter table lead_unlocks drop column link_unrecorded;
      create index lead_unlocks_due on lead_unlocks (next_attempt_at)
        where status in ('CHECK_EXISTING_PAYMENT','CREATE_PAYMENT_LINK','PAID');
    `)
  }
}
