import { Migration } from '@mikro-orm/migrations'

/** Contact details and bodies can be erased, while the rows that tell what happened stay. */
export class Retention extends Migration {
  override up(): void {
    this.addSql(`
      alter table leads alter column client_name drop not null, alter column client_phone drop not null,
        add column contact_erased_at timestamptz,
        add constraint leads_contact check (case when contact_erased_at is null
          then client_name is not null and client_phone is not null
          else coalesce(client_name, client_phone, client_email, exact_address, notes_snippet) is null end);
      create index leads_not_erased on leads (created_at, id) where contact_erased_at is null;

      -- Null once it is not needed any more; what is still to be handled has one.
      alter table webhook_inbox alter column sealed_body drop not null,
        add constraint webhook_inbox_body check (sealed_body is not null or status in ('processed', 'failed'));
      create index webhook_inbox_bodies on webhook_inbox (received_at) where sealed_body is not null;
      create index webhook_inbox_texts on webhook_inbox (provider_id, received_at)
        where source = 'textmagic' and sealed_body is not null;
      -- Receipts of before this version keep theirs until the erase-contacts job comes by.
      create index webhook_inbox_handled_receipts on webhook_inbox (id)
        where source = 'textmagic_delivery' and status = 'processed' and sealed_body is not null;

      alter table outbound_messages drop constraint outbound_messages_check,
        add constraint outbound_messages_reveal_body check (purpose <> 'reveal' or body is null);
      create index outbound_messages_bodies on outbound_messages (created_at) where body is not null;

      create index escalations_unlock on escalations (unlock_id) where unlock_id is not null;

      create index idempotency_keys_created on idempotency_keys (created_at);
      create index idempotency_keys_lead on idempotency_keys ((response #>> '{lead,id}'));
    `)
  }

  override down(): void {
    throw new Error('what was erased does not come back: restore a backup instead')
  }
}
