import { Migration } from '@mikro-orm/migrations'

/** Events about a payment whose own event has not come yet are found by it when it comes. */
export class EarlyPaymentEvents extends Migration {
  override up(): void {
    this.addSql(`
      -- Set only on an event that came before its payment.
      alter table webhook_inbox add column payment_intent_id text;
      create index webhook_inbox_early on webhook_inbox (payment_intent_id) where payment_intent_id is not null;
    `)
  }

  override down(): void {
    this.addSql('alter table webhook_inbox drop column payment_intent_id')
  }
}
