import { Migration } from '@mikro-orm/migrations'

/** What listings, exports and imports look up; a provider's number may pass to another within one statement. */
export class Lists extends Migration {
  override up(): void {
    this.addSql(`
      create index lead_unlocks_created on lead_unlocks (created_at, id);
      create index lead_unlocks_status_created on lead_unlocks (status, created_at, id);
      create index payments_created on payments (created_at, id);
      create index outbound_messages_provider on outbound_messages (provider_id, id);
      -- What went wrong is rare; without this a page of it reads the whole table.
      create index outbound_messages_troubled on outbound_messages (status, id)
        where status in ('undelivered', 'failed', 'cancelled');

      alter table providers drop constraint providers_phone_key;
      -- Still checked with each statement, but only at its end: an import may hand numbers over within one file.
      alter table providers add constraint providers_phone_key unique (phone) deferrable initially immediate;
    `)
  }

  override down(): void {
    this.addSql(`
      drop index lead_unlocks_created;
      drop index lead_unlocks_status_created;
      drop index payments_created;
      drop index outbound_messages_provider;
      drop index outbound_messages_troubled;
      alter table providers drop constraint providers_phone_key;
      alter table providers add constraint providers_phone_key unique (phone);
    `)
  }
}
