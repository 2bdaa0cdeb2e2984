/** A guarantee and how to break it: the first `from` in `file` becomes `to`. */
export type Mutation = { name: string; file: string; from: string; to: string }

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'transitions without the row lock',
    file: 'src/db/unlocks/apply-event.ts',
    from: ' for update`,\n    values,',
    to: '`,\n    values,',
  },
  {
    name: 'messages without the row lock',
    file: 'src/db/ledger/message-lock.ts',
    from: 'select from outbound_messages where id = ? for update;`',
    to: 'select from outbound_messages where id = ?;`',
  },
  {
    name: 'a claim without the lock on its receiver',
    file: 'src/db/ledger/message-lock.ts',
    from: 'where id = (select provider_id from outbound_messages where id = ?) for share;',
    to: 'where id = (select provider_id from outbound_messages where id = ?);',
  },
  {
    name: 'an unclear send is sent again without looking it up',
    file: 'src/workers/deliver.ts',
    from: 'if (found !== null) {',
    to: 'if (found === undefined) {',
  },
  {
    name: 'a claim does not ask for STOP',
    file: 'src/domain/outbound.ts',
    from: `if (facts.optedOut) return purpose === 'stop_confirmation'`,
    to: `if (facts.optedOut && purpose === 'stop_confirmation') return true`,
  },
  {
    name: 'a STOP takes effect only when its job runs',
    file: 'src/db/inbox/store.ts',
    from: 'await optOutSender(tx, stored.inboxId)',
    to: 'void optOutSender',
  },
  {
    name: 'a claim is sent however old it is',
    file: 'src/workers/deliver.ts',
    from: '() => longestSince(claimStarted) > leaseMs - CALL_BUDGET_MS',
    to: '() => longestSince(claimStarted) < -CALL_BUDGET_MS',
  },
  {
    name: 'whoever lost a claim still records its outcome',
    file: 'src/db/ledger/outcomes.ts',
    from: 'return isClaimed && leaseUntil?.getTime() === lease.getTime() ? locked : null',
    to: 'return isClaimed && leaseUntil?.getTime() !== -lease.getTime() ? locked : null',
  },
  {
    name: 'a second payment is not given back',
    file: 'src/domain/transition.ts',
    from: `  return effects([{ type: 'refund_payment', because: 'second_payment' }])`,
    to: '  return NOTHING',
  },
  {
    name: 'details are sent again though the money for them went back',
    file: 'src/domain/outbound.ts',
    from: 'facts.paid && !facts.contactErased',
    to: '!facts.contactErased',
  },
  {
    name: 'a link that nobody wants any more stays open',
    file: 'src/db/payments/links.ts',
    from: `status: wanted ? 'open' : 'closing'`,
    to: `status: wanted ? 'open' : 'closed'`,
  },
  {
    name: 'a link that may exist is not looked for once its offer is closed',
    file: 'src/db/unlocks/effects.ts',
    from: 'unlock.linkUnrecorded = true',
    to: 'unlock.linkUnrecorded = false',
  },
  {
    name: 'a refund that failed is forgotten for an older word of it',
    file: 'src/db/payments/refunds.ts',
    from: 'where array_position(?::text[], refunds.status) < array_position(?::text[], excluded.status)',
    to: 'where array_position(?::text[], refunds.status) <> array_position(?::text[], excluded.status)',
  },
  {
    name: 'a closed link leaves its checkout pages open',
    file: 'src/gateways/stripe/links.ts',
    from: 'for (const { id } of open) await expireSession(stripe, linkId, id)',
    to: 'if (open.length > 1000) await expireSession(stripe, linkId, "")',
  },
  {
    name: 'a new attempt does not look for the link of the one before',
    file: 'src/workers/jobs/create-payment-link.ts',
    from: 'if (unlock.linkAttempt === 0 && isKeyKept) return null',
    to: 'if (unlock.linkAttempt >= 0 && isKeyKept) return null',
  },
  {
    name: 'the sweep forgets claims that were abandoned',
    file: 'src/db/due/due.ts',
    from: 'oneOf(UNSENT_STATUSES)',
    to: `oneOf(['pending', 'unknown'])`,
  },
  {
    name: 'the backfill does not ask Stripe',
    file: 'src/workers/jobs/backfill.ts',
    from: 'BACKFILL_SOURCES.map(',
    to: `BACKFILL_SOURCES.filter((source) => source === 'replies').map(`,
  },
  {
    name: 'a link made under a key that Stripe has forgotten is not looked for',
    file: 'src/workers/jobs/create-payment-link.ts',
    from: '< KEY_KEPT_MS',
    to: '< KEY_KEPT_MS * 1000',
  },
  {
    name: 'the backfill stops at a page that it knows',
    file: 'src/workers/backfill/replies.ts',
    from: 'newest !== null && newest < from',
    to: 'page > 0',
  },
  {
    name: 'an event is marked handled before its effects are written',
    file: 'src/workers/jobs/handle-payment.ts',
    from: 'let handled = await attempt(',
    to: `await inTransaction(deps.em, async (tx) => {
      const early = await lockInboxRow(tx, inbox_id, 'received')
      if (early !== null && inbox_id % 2 === 0) await markProcessed(tx, early, 'early')
    })
    let handled = await attempt(`,
  },
]
