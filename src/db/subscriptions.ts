import type { Due } from '../domain/due.ts'
import { UNPAID_STATUSES } from '../domain/states.ts'
import { startConfirmationText, stopConfirmationText } from '../domain/texts.ts'
import { applyEvent } from './apply-event.ts'
import type { EffectContext } from './effects.ts'
import { Provider, Unlock } from './entities/index.ts'
import { addNotice } from './messages.ts'
import type { EntityManager } from './orm.ts'

/**
 * Locks a provider's row: what one provider sends is handled one at a time. Locks are taken in one order everywhere:
 * provider, unlock, message. NO KEY, so that a row that merely refers to the provider can be written meanwhile.
 */
export async function lockProvider(tx: EntityManager, providerId: string): Promise<Provider | null> {
  await tx.execute('select 1 from providers where id = ? for no key update', [providerId])
  return tx.findOne(Provider, { id: providerId }, { refresh: true })
}

/** The database's clock. */
export async function databaseNow(tx: EntityManager): Promise<Date> {
  const [row] = await tx.execute<{ ms: string }[]>('select extract(epoch from app_now()) * 1000 as ms')
  return new Date(Number(row?.ms))
}

/**
 * Unsubscribes a provider from everything: open unlocks become OPTED_OUT, their links are closed, money for details
 * that were not sent goes back. The ingress may already have set `opted_out_at` when the STOP was stored.
 *
 * @param provider locked
 * @param at the sender's time; a STOP older than the newest START changes nothing
 * @param confirm send the one confirmation (not when the gateway told us of the STOP: it blocks the number)
 * @param tellGateway the gateway did not act on the word by itself
 */
export async function unsubscribe(
  tx: EntityManager,
  provider: Provider,
  at: Date,
  options: { confirm: boolean; tellGateway: boolean; brand: string; context: EffectContext },
): Promise<Due[]> {
  if (provider.subscriptionChangedAt != null && provider.subscriptionChangedAt > at) return []
  const now = await databaseNow(tx)
  provider.optedOutAt ??= now
  provider.subscriptionChangedAt = at
  provider.updatedAt = now
  if (options.tellGateway) provider.gatewayUnsubscribeDue = true
  await tx.flush()

  const due: Due[] = []
  const open = await tx.find(
    Unlock,
    { providerId: provider.id, status: { $in: [...UNPAID_STATUSES, 'PAID'] } },
    { orderBy: { id: 'asc' } },
  )
  for (const unlock of open) {
    due.push(...(await applyEvent(tx, unlock.id, { type: 'stop' }, 'stop', options.context)).due)
  }
  if (options.confirm) {
    due.push(
      ...(await addNotice(tx, {
        purpose: 'stop_confirmation',
        dedupeKey: `stop_confirmation:${provider.id}:${provider.optedOutAt.toISOString()}`,
        receiver: provider,
        inboxId: options.context.inboxId ?? null,
        body: stopConfirmationText({ brand: options.brand }),
        now,
      })),
    )
  }
  if (options.tellGateway) due.push({ job: 'unsubscribe-number', provider_id: provider.id })
  return due
}

/**
 * Subscribes a provider again. Unlocks closed by the STOP stay closed.
 *
 * @param provider locked
 * @param at the sender's time; a START older than the newest STOP changes nothing
 */
export async function subscribe(
  tx: EntityManager,
  provider: Provider,
  at: Date,
  options: { brand: string; inboxId: number },
): Promise<Due[]> {
  if (provider.subscriptionChangedAt != null && provider.subscriptionChangedAt > at) return []
  const now = await databaseNow(tx)
  provider.optedOutAt = null
  provider.gatewayUnsubscribeDue = false
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
