import { Migration } from '@mikro-orm/migrations'

/** Whoever is offered a lead later gets it on the terms that it was posted with. */
export class LeadTerms extends Migration {
  override up(): void {
    this.addSql(`
      -- Null for leads from before: the configured defaults hold for them.
      alter table leads add column offer_price_cents integer, add column offer_currency text,
        add column offer_ttl_hours double precision;
    `)
  }

  override down(): void {
    this.addSql(
      'alter table leads drop column offer_price_cents, drop column offer_currency, drop column offer_ttl_hours',
    )
  }
}
