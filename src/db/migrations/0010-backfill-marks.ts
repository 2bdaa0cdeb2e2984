import { Migration } from '@mikro-orm/migrations'

/**
 * How far the backfill has listed what a gateway keeps, so that it goes back as far as it has to and no further.
 * Nothing is known of what an earlier version had listed: the first run goes back to the first lead.
 */
export class BackfillMarks extends Migration {
  override up(): void {
    this.addSql(`
      create table backfill_marks (
        source text primary key,
        -- By the gateway's clock, never later than ours.
        listed_through timestamptz not null
      );
    `)
  }

  override down(): void {
    this.addSql('drop table backfill_marks')
  }
}
