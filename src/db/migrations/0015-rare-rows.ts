import { Migration } from '@mikro-orm/migrations'

/** What is asked for among all texts and all payments, and is rare: without these a page of it reads the whole table. */
export class RareRows extends Migration {
  override up(): void {
    this.addSql(`
      create index payments_not_kept on payments (status, created_at, id) where status <> 'kept';
      create index outbound_messages_notices on outbound_messages (purpose, id)
        where purpose not in ('teaser', 'payment_link', 'reveal');
    `)
  }

  override down(): void {
    this.addSql('drop index payments_not_kept; drop index outbound_messages_notices')
  }
}
