import { OutboundMessage, type Unlock } from '../db/entities/index.ts'
import { openLockedFields } from '../db/leads/leads.ts'
import { recordAccepted } from '../db/ledger/acceptance.ts'
import { type Claim, claim, isSettled, type RevealParts } from '../db/ledger/claim.ts'
import { putBack, recordAbsent, recordRefused, recordUnclear } from '../db/ledger/outcomes.ts'
import { inTransaction } from '../db/postgres/orm.ts'
import { isRefusedRow } from '../db/postgres/sqlstates.ts'
import { sendClassOf } from '../domain/outbound.ts'
import { revealText } from '../domain/texts.ts'
import { NotDoneError, RefusedError, UnclearError } from '../gateways/errors.ts'
import { SENDER_REFUSED } from '../gateways/textmagic.ts'
import type { JobDeps } from './deps.ts'
import { codeOf, FinalError, RetryLater } from './errors.ts'
import { recordAndPublish } from './record-and-publish.ts'

/** What the gateway's own timeout and a margin take of a claim's lease, milliseconds. */
const CALL_BUDGET_MS = 15_000

/**
 * Sends one message of the ledger, at most once whatever crashes, repeats or overlaps: claim, commit, call, record. An
 * unclear outcome is looked up at the gateway before anything is sent again.
 *
 * @param known the message as it was read a moment ago
 * @param withoutSender the gateway has refused it with our number as its sender
 * @returns where the message stands
 * @throws {RetryLater} another worker has it, an unclear outcome settles, or it is too early to send it
 * @throws {NotDoneError | UnclearError} to be tried again
 * @throws {RefusedError} refused for good; recorded and escalated
 */
export async function deliver(
  deps: JobDeps,
  known: OutboundMessage,
  withoutSender = false,
): Promise<OutboundMessage['status']> {
  if (isSettled(known.status)) return known.status
  // It need not wait in line only to be told to come back.
  const early = known.notBefore == null ? 0 : known.notBefore.getTime() - known.dbNow.getTime()
  if (early > 0) throw new RetryLater(early)
  const { claimed, claimStarted } = await claimInSlot(deps, known)
  switch (claimed.type) {
    case 'settled':
      return claimed.status
    case 'busy':
      throw new RetryLater(claimed.retryInMs)
    case 'look_up':
      return lookUp(deps, claimed, claimStarted)
    case 'send':
      return send(deps, claimed, claimStarted, withoutSender)
  }
}

/**
 * By two clocks, milliseconds, because neither is enough to tell how old a claim is: the steady one stands still while the
 * machine is suspended, and the other may be set back.
 */
type Moment = { steady: number; wall: number }

/**
 * Waits for a slot before the claim: a STOP that comes meanwhile is seen by the claim, and nothing is sent. When Postgres held
 * the claim up until the slot was over, the message is put back and waits for another: all that were held up would be sent at
 * once, faster than the limit allows. Only once, though: where Postgres is slow all the time they do not come all at once, and
 * nothing would ever be sent.
 */
async function claimInSlot(deps: JobDeps, known: OutboundMessage): Promise<{ claimed: Claim; claimStarted: Moment }> {
  const { ledgerTiming, quiet, slotLastsMs } = deps.settings
  for (let isFirst = true; ; isFirst = false) {
    await deps.textmagic.takeSlot(sendClassOf(known.purpose))
    const claimStarted = { steady: performance.now(), wall: Date.now() }
    const claimed = await inTransaction(deps.em, (tx) => claim(tx, known.id, ledgerTiming, quiet))
    const hasPassed = performance.now() - claimStarted.steady > slotLastsMs
    if (!isFirst || claimed.type !== 'send' || !hasPassed) return { claimed, claimStarted }
    await inTransaction(deps.em, (tx) => putBack(tx, known.id, claimed.lease))
  }
}

type Claimed<T extends Claim['type']> = Extract<Claim, { type: T }>

async function send(
  deps: JobDeps,
  { message, unlock, reveal, lease }: Claimed<'send'>,
  claimStarted: Moment,
  withoutSender: boolean,
): Promise<OutboundMessage['status']> {
  const { leaseMs } = deps.settings.ledgerTiming
  try {
    const { gatewayId } = await deps.textmagic.send({
      text: message.purpose === 'reveal' ? renderReveal(deps, reveal) : bodyOf(message),
      phone: message.phone,
      reference: message.id,
      withoutSender,
      isPastDeadline: () => longestSince(claimStarted) > leaseMs - CALL_BUDGET_MS,
    })
    const status = await accepted(deps, message.id, gatewayId)
    measureReveal(deps, message, unlock, claimStarted)
    return status
  } catch (error) {
    if (error instanceof RefusedError && error.code === SENDER_REFUSED) {
      // Claimed anew, so that a STOP which comes while it waits for another slot is seen.
      await inTransaction(deps.em, (tx) => putBack(tx, message.id, lease))
      return deliver(deps, await reread(deps, message.id), true)
    }
    await recordFailure(deps, message.id, lease, error)
    throw error
  }
}

function reread({ em }: JobDeps, messageId: number): Promise<OutboundMessage> {
  return em.fork().findOneOrFail(OutboundMessage, { id: messageId })
}

function longestSince({ steady, wall }: Moment): number {
  return Math.max(performance.now() - steady, Date.now() - wall)
}

async function lookUp(
  deps: JobDeps,
  { message, unlock, since, lease }: Claimed<'look_up'>,
  claimStarted: Moment,
): Promise<OutboundMessage['status']> {
  const found = await find(deps, message, since, lease)
  if (found !== null) {
    const status = await accepted(deps, message.id, found.gatewayId)
    measureReveal(deps, message, unlock, claimStarted)
    return status
  }
  await inTransaction(deps.em, (tx) => recordAbsent(tx, message.id, lease, 'not_found_at_gateway'))
  return deliver(deps, await reread(deps, message.id))
}

/** While the gateway cannot be asked, the message stays as unclear as it was. */
async function find(deps: JobDeps, message: OutboundMessage, since: Date, lease: Date) {
  try {
    return await deps.textmagic.findByReference({ reference: message.id, phone: message.phone, since })
  } catch (error) {
    const { settleMs } = deps.settings.ledgerTiming
    await inTransaction(deps.em, (tx) => recordUnclear(tx, message.id, lease, codeOf(error), settleMs))
    throw error
  }
}

async function accepted(deps: JobDeps, messageId: number, gatewayId: string): Promise<'accepted'> {
  const { revealConfirmMinutes } = deps.settings
  const record = (id: string | null) =>
    inTransaction(deps.em, (tx) => recordAccepted(tx, messageId, id, revealConfirmMinutes))
  const due = await record(gatewayId).catch((error: unknown) => {
    // The id is another message's, say. That this one was accepted is known all the same, and left open it might be sent again.
    if (!isRefusedRow(error)) throw error
    deps.log.warn({ message_id: messageId, error_code: codeOf(error) }, 'accepted under an id that cannot be kept')
    return record(null)
  })
  const later = due.filter(({ job }) => job === 'confirm-delivery')
  await deps.publish(due.filter(({ job }) => job !== 'confirm-delivery'))
  await deps.publish(later, { delayMs: revealConfirmMinutes * 60_000 })
  return 'accepted'
}

/** The first reveal of an unlock tells how long its payer waited; `unlock` is as it was claimed. */
function measureReveal(deps: JobDeps, { purpose }: OutboundMessage, unlock: Unlock | null, claimStarted: Moment): void {
  if (purpose !== 'reveal' || unlock?.status !== 'PAID' || unlock.paidAt == null) return
  const waitedMs = unlock.dbNow.getTime() - unlock.paidAt.getTime() + performance.now() - claimStarted.steady
  deps.metrics.reveals.revealed(waitedMs / 1000)
}

async function recordFailure(deps: JobDeps, messageId: number, lease: Date, error: unknown): Promise<void> {
  const code = codeOf(error)
  if (error instanceof NotDoneError) {
    await inTransaction(deps.em, (tx) => recordAbsent(tx, messageId, lease, code))
  } else if (error instanceof RefusedError) {
    await recordAndPublish(deps, (tx) => recordRefused(tx, messageId, lease, code))
  } else if (error instanceof UnclearError) {
    const { settleMs, answeredSettleMs } = deps.settings.ledgerTiming
    // A 502 or 504 is the word of somebody in front of it, whom it may outlast.
    const rest = error.status === 500 ? answeredSettleMs : settleMs
    await inTransaction(deps.em, (tx) => recordUnclear(tx, messageId, lease, code, rest))
  }
  // Anything else, the database for one: the claim stands, its lease ends, and the message is looked up.
}

/** @throws {FinalError} when it was erased, which the claim has seen not to be so */
function bodyOf(message: OutboundMessage): string {
  if (message.body == null) throw new FinalError('body_erased')
  return message.body
}

/** The one place where locked fields are opened for sending; the claim has just seen that the unlock is paid. */
function renderReveal(deps: JobDeps, parts: RevealParts | null): string {
  if (parts === null) throw new Error('a reveal was claimed without an unlock or a receiver')
  const { providerName, lead } = parts
  const locked = openLockedFields(deps.sealer, lead)
  if (locked === null) throw new FinalError('contact_erased')
  const { brand } = deps.settings
  return revealText({ brand, providerName, notesSnippet: lead.notesSnippet ?? null, ...locked })
}
