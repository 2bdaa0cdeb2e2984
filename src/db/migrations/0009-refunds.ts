import { Migration } from '@mikro-orm/migrations'

/** Every refund of a payment on a row of its own: their words come in any order, and two parts may make a whole. */
export class Refunds extends Migration {
  override up(): void {
    this.addSql(`
      create table refunds (
        refund_id text primary key,
        payment_id integer not null references payments (id),
        amount_cents integer not null,
        status text not null check (status in ('pending','requires_action','succeeded','failed','canceled')),
        updated_at timestamptz not null default app_now()
      );
      create index refunds_payment on refunds (payment_id);

      -- What is known so far. A part that a person gave back has no id here: it counts until that person's next refund.
      insert into refunds (refund_id, payment_id, amount_cents, status)
        select coalesce(refund_id, 'unknown_' || id), id,
          case status when 'refunded' then refunded_cents else amount_cents end,
          case status when 'refunded' then 'succeeded' when 'refund_failed' then 'failed' else 'pending' end
        from payments where status = 'refunded' or (status in ('refund_pending', 'refund_failed') and refund_id is not null)
        on conflict do nothing;
    `)
  }

  override down(): void {
    this.addSql('drop table refunds')
  }
}
