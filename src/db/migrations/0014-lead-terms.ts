import { Migration } from '@mikro-orm/migrations'

/** Whoever is offered a lead later gets it on the terms that it was posted with. */
export class LeadTerms extends Migration {
  override up(): void {
    this.addSql(`
      -- Null for leads from before: the configured defaults hold for them.
      alter table leads add column price_cents integer, add column currency text, add column ttl_hours double precision;
    `)
  }

  override down(): void {
    this.addSql('alter table leads drop column price_cents, drop column currency, drop column ttl_hours')
  }
}
