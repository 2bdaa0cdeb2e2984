import { Migration } from '@mikro-orm/migrations'

/**
 * What GET /api/analytics counts, in rows narrow enough to read a million of them at once (docs/decisions/015-analytics.md). Postgres
 * keeps them from the rows they follow, so that no code path forgets to, one of the version before included.
 */
export class Analytics extends Migration {
  override up(): void {
    this.addSql(`
      create table unlock_facts (
        unlock_id integer primary key references lead_unlocks (id) on delete cascade,
        -- When the lead was posted, and where.
        posted_at timestamptz not null,
        -- From the teaser's acceptance to the first Y or N, by the timeline; null until then.
        response_ms bigint,
        -- What the unlock has been through, whatever became of it since: 1 teaser accepted, 2 reply, 4 link sent, 8 paid.
        moments smallint not null default 0,
        city text collate "C" not null
      ) with (fillfactor = 85);

      create function begin_unlock_facts() returns trigger language plpgsql as $$
      begin
        insert into unlock_facts (unlock_id, posted_at, city)
          select new.id, created_at, city from leads where id = new.lead_id;
        return null;
      end $$;
      create trigger unlock_facts_begin after insert on lead_unlocks
        for each row execute function begin_unlock_facts();

      create function note_unlock_moment() returns trigger language plpgsql as $$
      declare
        response bigint := case when new.cause = 'reply' then (
          select (extract(epoch from new.at - min(at)) * 1000)::bigint from unlock_events
          where unlock_id = new.unlock_id and to_status = 'TEASER_SENT') end;
        now_through smallint := case when response is null then 0 else 2 end + case new.to_status
          when 'TEASER_SENT' then 1 when 'PAYMENT_LINK_SENT' then 4 when 'PAID' then 8 else 0 end;
      begin
        update unlock_facts set moments = moments | now_through, response_ms = coalesce(response_ms, response)
          where unlock_id = new.unlock_id and moments & now_through <> now_through;
        return null;
      end $$;
      create trigger unlock_facts_moment after insert on unlock_events
        for each row when (new.from_status <> new.to_status
          and (new.cause = 'reply' or new.to_status in ('TEASER_SENT', 'PAYMENT_LINK_SENT', 'PAID')))
        execute function note_unlock_moment();

      insert into unlock_facts (unlock_id, posted_at, city, moments, response_ms)
        select unlocks.id, leads.created_at, leads.city,
          coalesce(moments, 0) + case when replied_at is null or teaser_at is null then 0 else 2 end,
          (extract(epoch from replied_at - teaser_at) * 1000)::bigint
        from lead_unlocks unlocks join leads on leads.id = unlocks.lead_id
        left join (
          select unlock_id,
            bit_or(case to_status when 'TEASER_SENT' then 1 when 'PAYMENT_LINK_SENT' then 4 when 'PAID' then 8 else 0 end)
              as moments,
            min(at) filter (where to_status = 'TEASER_SENT') as teaser_at,
            min(at) filter (where cause = 'reply') as replied_at
          from unlock_events where from_status <> to_status group by unlock_id) past on past.unlock_id = unlocks.id
        order by unlocks.id;

      -- A period may be any; within one city the response times stand in order.
      create index unlock_facts_posted on unlock_facts using brin (posted_at) with (pages_per_range = 32, autosummarize = on);
      create index unlock_facts_city_response on unlock_facts (city, response_ms, posted_at) where response_ms is not null;
      create index unlock_facts_response on unlock_facts (response_ms, posted_at) where response_ms is not null;

      -- Of the lead it was paid for; null when it belongs to no unlock we know.
      alter table payments add column lead_posted_at timestamptz, add column lead_city text collate "C";
      create function name_lead_of_payment() returns trigger language plpgsql as $$
      begin
        select posted_at, city into new.lead_posted_at, new.lead_city from unlock_facts where unlock_id = new.unlock_id;
        return new;
      end $$;
      create trigger payments_lead before insert or update of unlock_id on payments
        for each row execute function name_lead_of_payment();
      update payments set lead_posted_at = posted_at, lead_city = city
        from unlock_facts where unlock_facts.unlock_id = payments.unlock_id;
      create index payments_earned on payments (lead_posted_at)
        include (lead_city, currency, amount_cents, refunded_cents, dispute_status) where status = 'kept';
    `)
  }

  override down(): void {
    this.addSql(`
      drop trigger payments_lead on payments;
      drop function name_lead_of_payment;
      alter table payments drop column lead_posted_at, drop column lead_city;
      drop trigger unlock_facts_moment on unlock_events;
      drop function note_unlock_moment;
      drop trigger unlock_facts_begin on lead_unlocks;
      drop function begin_unlock_facts;
      drop table unlock_facts;
    `)
  }
}
