import { Migration } from '@mikro-orm/migrations'

/** How far the backfill has listed what a gateway keeps, so that it goes back as far as it has to and no further. */
export class BackfillMarks extends Migration {
  override up(): void {
    this.addSql(`
      create table backfill_marks (
        source text primary key,
        -- By the gateway's clock, never later than ours.
        listed_through timestamptz not null
      );

      -- What an earlier version had listed is not known; a day is longer than it was ever behind while it ran.
      insert into backfill_marks (source, listed_through)
        select source, max(received_at) - interval '1 day' from webhook_inbox where source = 'textmagic' group by source;
    `)
  }

  override down(): void {
    this.addSql('drop table backfill_marks')
  }
}
