import { PARKED_UNTIL } from '../db/due/parking.ts'
import { type EscalationKind, openEscalation } from '../db/escalations/escalations.ts'
import { parkMessage } from '../db/ledger/outcomes.ts'
import { lockUnlock } from '../db/unlocks/apply-event.ts'
import type { Purpose } from '../domain/outbound.ts'
import { isIn, type UnlockStatus } from '../domain/states.ts'
import type { JobDeps } from './deps.ts'
import { recordAndPublish } from './record-and-publish.ts'
import { unsentMessages } from './unsent-messages.ts'

/**
 * The attempts of a job that sends something for an unlock are used up: its texts wait for a person, who is called, and so does
 * the unlock itself while it waits for one of them.
 *
 * @param what.dueIn the states in which it waits for one
 * @param what.summary one line for the person
 */
export async function leaveToPerson(
  deps: JobDeps,
  unlockId: number,
  code: string,
  what: { purpose: Purpose; dueIn: readonly UnlockStatus[]; kind: EscalationKind; summary: string },
): Promise<void> {
  const messages = await unsentMessages(deps, unlockId, what.purpose)
  await recordAndPublish(deps, async (tx) => {
    const unlock = await lockUnlock(tx, unlockId)
    if (unlock === null) return []
    const due = []
    for (const { id } of messages) due.push(...(await parkMessage(tx, id, code)))
    if (!isIn(what.dueIn, unlock.status)) return due
    unlock.nextAttemptAt = PARKED_UNTIL
    const { kind, summary } = what
    return [...due, ...(await openEscalation(tx, { kind, subject: `unlock:${unlockId}`, unlockId, summary }))]
  })
}
