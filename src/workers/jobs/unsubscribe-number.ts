import { isParked } from '../../db/due/parking.ts'
import { OutboundMessage, Provider } from '../../db/entities/index.ts'
import { openEscalation, resolveEscalations } from '../../db/escalations/escalations.ts'
import { inTransaction } from '../../db/postgres/orm.ts'
import { lockProvider } from '../../db/providers/subscriptions.ts'
import { isUnsent } from '../../domain/outbound.ts'
import type { JobDeps } from '../deps.ts'
import { RetryLater } from '../errors.ts'
import { defineJob } from '../job.ts'
import { recordAndPublish } from '../record-and-publish.ts'

/** How long the one confirmation gets to leave before the gateway blocks the number, milliseconds. */
const CONFIRMATION_FIRST_MS = 5_000

/** Tells TextMagic of an opt-out by a word it does not know, so that no other system on the account texts them either. */
export const unsubscribeNumber = defineJob({
  name: 'unsubscribe-number',

  async run(deps, { provider_id }) {
    if ((await untold(deps, provider_id)) === null) return
    await deps.textmagic.takeSlot('notice')
    // They may have said START during the wait, and nobody but they could lift the block again; or opted out anew.
    const provider = await untold(deps, provider_id)
    if (provider === null) return
    const phone = provider.gatewayUnsubscribePhone ?? null
    await deps.textmagic.unsubscribe(phone ?? provider.phone)
    await inTransaction(deps.em, async (tx) => {
      // Another number of theirs may have opted out meanwhile.
      const told = await tx.execute<object[]>(
        `update providers set gateway_unsubscribe_due = false, gateway_unsubscribe_phone = null
         where id = ? and gateway_unsubscribe_phone is not distinct from ? returning id`,
        [provider_id, phone],
      )
      if (told.length === 0) return
      await resolveEscalations(tx, ['unsubscribe_failed'], `provider:${provider_id}`, 'unsubscribed')
    })
  },

  async onFailed(deps, { provider_id }, code) {
    const summary = `Provider ${provider_id} opted out, but the SMS gateway could not be told (${code}).`
    const escalation = { kind: 'unsubscribe_failed', subject: `provider:${provider_id}`, summary } as const
    await recordAndPublish(deps, async (tx) => {
      // Locked: a START may undo it in this moment, or another worker tell it, and nobody is to block the number then.
      const provider = await lockProvider(tx, provider_id)
      return provider?.gatewayUnsubscribeDue === true ? openEscalation(tx, escalation) : []
    })
  },
})

/**
 * The provider, when TextMagic is to be told of their opt-out.
 *
 * @throws {RetryLater} while its confirmation is still to be sent
 */
async function untold(deps: JobDeps, providerId: string): Promise<Provider | null> {
  const em = deps.em.fork()
  const provider = await em.findOne(Provider, { id: providerId })
  if (provider?.gatewayUnsubscribeDue !== true || provider.optedOutAt == null) return null
  const confirmations = await em.find(OutboundMessage, { providerId, purpose: 'stop_confirmation' })
  if (confirmations.some((message) => isUnsent(message.status) && !isParked(message)))
    throw new RetryLater(CONFIRMATION_FIRST_MS)
  return provider
}
