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
      insert into stopped_numbers (phone, stopped_at)
        select phone, coalesce(subscription_changed_at, opted_out_at) from providers where opted_out_at is not null;

      -- The number that opted out, to be told to the gateway; null means the provider's own.
      alter table providers add column gateway_unsubscribe_phone text;
    `)
  }

  override down(): void {
    this.addSql('drop table stopped_numbers; alter table providers drop column gateway_unsubscribe_phone')
  }
}
