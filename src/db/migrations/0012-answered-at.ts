import { Migration } from '@mikro-orm/migrations'

/** What a provider texted last counts, in whatever order their texts reach us. */
export class AnsweredAt extends Migration {
  override up(): void {
    this.addSql(`
      -- When the newest Y or N to the offer was texted, by the gateway's clock, never later than ours.
      alter table lead_unlocks add column answered_at timestamptz;
    `)
  }

  override down(): void {
    this.addSql('alter table lead_unlocks drop column answered_at')
  }
}
