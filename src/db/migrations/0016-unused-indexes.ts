import { Migration } from '@mikro-orm/migrations'

/** Indexes that no query uses, and every webhook and answer was written to. */
export class UnusedIndexes extends Migration {
  override up(): void {
    this.addSql('drop index webhook_inbox_received; drop index outbound_messages_inbox')
  }

  override down(): void {
    this.addSql(`
      create index webhook_inbox_received on webhook_inbox (source, received_at desc);
      create index outbound_messages_inbox on outbound_messages (inbox_id) where inbox_id is not null;
    `)
  }
}
