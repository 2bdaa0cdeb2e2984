import { Migration } from '@mikro-orm/migrations'

/** STOP is said by a number: it counts for whoever gets that number later. */
export class StoppedNumbers extends Migration {
  override up(): void {
    this.addSql(`
      create table stopped_numbers (
        phone text primary key check (phone ~ '^\\+[1-9][0-9]{6,14}$'),
        -- The newest STOP, by the sender's time: only a START that is newer takes it back.
        stopped_at timestamptz not null
      );
      -- The numbers to which a STOP was confirmed, and those of providers to whom none was. Who has one and is subscribed
      -- has said START since.
      insert into stopped_numbers (phone, stopped_at)
        select phone, max(at) from (
          select m.phone, coalesce(i.sent_at, m.created_at) as at from outbound_messages m
            left join webhook_inbox i on i.id = m.inbox_id where m.purpose = 'stop_confirmation'
          union all
          select p.phone, coalesce(p.subscription_changed_at, p.opted_out_at) from providers p
            where p.opted_out_at is not null and not exists (select from outbound_messages m
              where m.provider_id = p.id and m.purpose = 'stop_confirmation')) said
        where phone ~ '^\\+[1-9][0-9]{6,14}$' and not exists (select from providers owner
          where owner.phone = said.phone and owner.opted_out_at is null and owner.subscription_changed_at >= said.at)
        group by phone;

      -- The number that opted out, to be told to the gateway; null means the provider's own.
      alter table providers add column gateway_unsubscribe_phone text;
    `)
  }

  override down(): void {
    this.addSql('drop table stopped_numbers; alter table providers drop column gateway_unsubscribe_phone')
  }
}
