import { Migration } from '@mikro-orm/migrations'

/** Every dispute of a payment on a row of its own: a payment may be disputed more than once. */
export class PaymentDisputes extends Migration {
  override up(): void {
    this.addSql(`
      create table payment_disputes (
        dispute_id text primary key,
        payment_id integer not null references payments (id),
        status text not null,
        closed boolean not null,
        updated_at timestamptz not null default app_now()
      );
      create index payment_disputes_payment on payment_disputes (payment_id);

      -- What is known so far, without its id. An open one is the next that is closed and was not heard of by its id.
      insert into payment_disputes (dispute_id, payment_id, status, closed)
        select 'unknown_' || id, id, regexp_replace(dispute_status, '^closed: ', ''), dispute_status like 'closed: %'
        from payments where dispute_status is not null;
    `)
  }

  override down(): void {
    this.addSql('drop table payment_disputes')
  }
}
