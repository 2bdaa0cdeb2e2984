import type { Due } from '../../domain/due.ts'
import { UNPAID_STATUSES } from '../../domain/states.ts'
import { startConfirmationText, stopConfirmationText } from '../../domain/texts.ts'
import { Provider } from '../entities/index.ts'
import { resolveEscalations } from '../escalations/escalations.ts'
import { addNotice } from '../ledger/messages.ts'
import { databaseNow } from '../postgres/clock.ts'
import { oneOf } from '../postgres/one-of.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { applyEvent } from '../unlocks/apply-event.ts'
import { forgetStop, hasSaidStop, rememberStop } from './stopped-numbers.ts'

/**
 * Locks a provider's row: what one provider sends is handled one at a time. Locks are taken in one order everywhere:
 * provider, inbox row, unlock, message. NO KEY, so that a row that merely refers to the provider can be written meanwhile.
 */
export async function lockProvider(tx: EntityManager, providerId: string): Promise<Provider | null> {
  await tx.execute('select 1 from providers where id = ? for no key update', [providerId])
  return tx.findOne(Provider, { id: providerId }, { refresh: true })
}

/**
 * Unsubscribes a provider from everything: open unlocks become OPTED_OUT, their links are closed, money for details
 * that were not sent goes back. The number that said it is remembered. The ingress may already have done so, and have set
 * `opted_out_at`, when the STOP was stored.
 *
 * @param provider locked
 * @param at the sender's time; a STOP older than the newest START changes nothing
 * @param phone the number that said it, which the provider may have no longer: it gets the confirmation, and the gateway is
 *   told of it
 * @param confirm send the one confirmation (not when the gateway told us of the STOP: it blocks the number)
 * @param tellGateway the gateway did not act on the word by itself
 */
export async function unsubscribe(
  tx: EntityManager,
  provider: Provider,
  at: Date,
  options: { phone: string; confirm: boolean; tellGateway: boolean; brand: string; inboxId?: number },
): Promise<Due[]> {
  if (provider.subscriptionChangedAt != null && provider.subscriptionChangedAt > at) return []
  const now = await databaseNow(tx)
  provider.optedOutAt ??= now
  provider.subscriptionChangedAt = at
  provider.updatedAt = now
  if (options.tellGateway) {
    provider.gatewayUnsubscribeDue = true
    provider.gatewayUnsubscribePhone = options.phone
    await callOffUntold(tx, provider.id, 'opted out again')
  }
  await tx.flush()
  await rememberStop(tx, options.phone, at)

  const due = await stopUnlocks(tx, provider.id)
  if (options.confirm) {
    due.push(
      ...(await addNotice(tx, {
        purpose: 'stop_confirmation',
        dedupeKey: `stop_confirmation:${provider.id}:${provider.optedOutAt.toISOString()}`,
        receiver: { id: provider.id, phone: options.phone },
        inboxId: options.inboxId ?? null,
        body: stopConfirmationText({ brand: options.brand }),
        now,
      })),
    )
  }
  if (options.tellGateway) due.push({ job: 'unsubscribe-number', provider_id: provider.id })
  return due
}

/** What a person was to tell the gateway is out of date: while they are called, the sweep leaves it to them. */
function callOffUntold(tx: EntityManager, providerId: string, because: string): Promise<void> {
  return resolveEscalations(tx, ['unsubscribe_failed'], `provider:${providerId}`, because)
}

/**
 * Each unlock is loaded by itself, in the same transaction: every flush compares all that a manager has loaded, which for some
 * hundreds of them took most of a minute.
 */
async function stopUnlocks(tx: EntityManager, providerId: string): Promise<Due[]> {
  const open = await tx.execute<{ id: number }[]>(
    `select id from lead_unlocks where provider_id = ? and status in ${oneOf([...UNPAID_STATUSES, 'PAID'])} order by id`,
    [providerId],
  )
  const due: Due[] = []
  for (const { id } of open) {
    const alone = tx.fork({ keepTransactionContext: true })
    due.push(...(await applyEvent(alone, id, { type: 'stop' }, 'stop')).due)
  }
  return due
}

/**
 * Unsubscribes those of some providers whose number has said STOP, whoever had it then. They said nothing themselves, so
 * nothing is confirmed.
 *
 * @param providerIds locked, and given their numbers in this transaction: who had theirs before may have said START
 */
export async function unsubscribeStoppedNumbers(tx: EntityManager, providerIds: readonly string[]): Promise<Due[]> {
  const stopped = await tx.execute<{ id: string }[]>(
    `update providers p set opted_out_at = app_now(), updated_at = app_now(),
       subscription_changed_at = greatest(subscription_changed_at, stopped_at)
     from stopped_numbers s
     where s.phone = p.phone and opted_out_at is null and id in (select json_array_elements_text(?::json))
     returning id`,
    [JSON.stringify(providerIds)],
  )
  const due: Due[] = []
  for (const { id } of stopped) due.push(...(await stopUnlocks(tx, id)))
  return due
}

/**
 * Subscribes a provider again, unless the number they have now has said STOP. Unlocks closed by the STOP stay closed.
 *
 * @param provider locked
 * @param at the sender's time; a START older than the newest STOP changes nothing
 * @param phone the number that said it: its own STOP is forgotten
 */
export async function subscribe(
  tx: EntityManager,
  provider: Provider,
  at: Date,
  options: { phone: string; brand: string; inboxId: number },
): Promise<Due[]> {
  const isTie = provider.optedOutAt != null && provider.subscriptionChangedAt?.getTime() === at.getTime()
  if (isTie && (await hasLaterText(tx, options.inboxId))) return []
  await forgetStop(tx, options.phone, at)
  if (provider.subscriptionChangedAt != null && provider.subscriptionChangedAt > at) return []
  if (await hasSaidStop(tx, provider.phone)) return []
  const now = await databaseNow(tx)
  await callOffUntold(tx, provider.id, 'subscribed again')
  provider.optedOutAt = null
  provider.gatewayUnsubscribeDue = false
  provider.gatewayUnsubscribePhone = null
  provider.subscriptionChangedAt = at
  provider.updatedAt = now
  return addNotice(tx, {
    purpose: 'start_confirmation',
    dedupeKey: `start_confirmation:inbox:${options.inboxId}`,
    receiver: provider,
    inboxId: options.inboxId,
    body: startConfirmationText({ brand: options.brand }),
    now,
  })
}

/**
 * Whether another text of the same sender and second came after this one that is a STOP, or still to be handled. The gateway
 * tells whole seconds, and a STOP takes effect when it is stored: the one that has opted them out may be that text.
 */
async function hasLaterText(tx: EntityManager, inboxId: number): Promise<boolean> {
  const rows = await tx.execute<object[]>(
    `select from webhook_inbox later, webhook_inbox mine
     where mine.id = ? and later.provider_id = mine.provider_id and later.id > mine.id
       and (later.status = 'received' or later.outcome = 'stop')
       and coalesce(later.sent_at, later.received_at) = coalesce(mine.sent_at, mine.received_at)`,
    [inboxId],
  )
  return rows.length > 0
}
