import { LockMode } from '@mikro-orm/core'
import { type Actor, recordAudit } from '../access/audit.ts'
import { Escalation } from '../entities/index.ts'
import { databaseNow } from '../postgres/clock.ts'
import { type EntityManager, inTransaction } from '../postgres/orm.ts'
import { lockProvider } from '../providers/subscriptions.ts'

/**
 * Records that a person looked at an escalation and is done with it, audited in the same transaction. One that is
 * resolved already, perhaps by itself meanwhile, keeps who resolved it and when, and gets their note all the same.
 *
 * @returns the escalation, or null when there is none with that id
 */
export function resolveById(em: EntityManager, id: number, by: Actor, note: string | null): Promise<Escalation | null> {
  return inTransaction(em, async (tx) => {
    const known = await tx.findOne(Escalation, { id })
    const untold =
      known?.kind === 'unsubscribe_failed' ? await lockProvider(tx, known.subject.slice('provider:'.length)) : null
    const escalation = await tx.findOne(Escalation, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true })
    if (escalation === null) return null
    if (escalation.resolvedAt != null) {
      await addNote(tx, escalation, by, note)
      return escalation
    }
    escalation.resolvedAt = await databaseNow(tx)
    escalation.resolvedBy = by.keyName
    escalation.note = note
    // Who resolves it has told the gateway: the sweep would take it up again.
    if (untold !== null) {
      untold.gatewayUnsubscribeDue = false
      untold.gatewayUnsubscribePhone = null
    }
    await recordAudit(tx, { ...by, action: 'escalation.resolve', target: `escalation:${id}` })
    return escalation
  })
}

/** Adds a note to what was written before, once however often it is sent. */
async function addNote(tx: EntityManager, escalation: Escalation, by: Actor, note: string | null): Promise<void> {
  const written = escalation.note ?? ''
  if (!note || `\n${written}`.endsWith(`\n${note}`)) return
  escalation.note = written === '' ? note : `${written}\n${note}`
  await recordAudit(tx, { ...by, action: 'escalation.note', target: `escalation:${escalation.id}` })
}
