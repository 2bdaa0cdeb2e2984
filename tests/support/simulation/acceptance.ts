import { PAID_STATUSES } from '../../../src/domain/states.ts'
import type { DeliveryStatus, SentMessage } from '../../../src/sandbox/textmagic/types.ts'
import { noteNumbers } from './actions-numbers.ts'
import { deliver } from './mail.ts'
import { mailOfReceipt } from './mail-bodies.ts'
import type { AcceptedSms, CarrierWord, World } from './world.ts'

type Row = {
  purpose: string
  dedupe_key: string
  lead_id: string | null
  unlock_status: string | null
  receiver_id: string | null
  opted_out_at: number | null
  was_paid: boolean
  left_paid_at: number | null
  money_is_back: boolean
  money_back_at: number | null
}

const MS = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`

/** A send must be made under a claim that is in force. */
export async function checkSend(world: World, reference: number): Promise<void> {
  const [row] = await world.database.rows<{ status: string; claimed: number; left: number }>(
    `select status, ${MS('lease_until')} - $2 as claimed, ${MS('lease_until')} - $3 as left
     from outbound_messages where id = $1`,
    [reference, world.services.settings.ledgerTiming.leaseMs, world.clock.now],
  )
  if (row?.status !== 'sending' || row.left <= 0) {
    world.violations.push(`4: message ${reference} is sent while ${row?.status}, ${row?.left} ms before its lease ends`)
  }
  world.claimedAt.set(reference, row?.claimed ?? world.clock.now)
}

/** An SMS is in the world: from now on it cannot be unsaid. Checks what may never be, and decides what becomes of it. */
export async function onAccepted(world: World, message: SentMessage): Promise<void> {
  await noteNumbers(world)
  const id = Number(message.referenceId)
  const [row] = await world.database.rows<Row>(
    `select m.purpose, m.dedupe_key, u.lead_id, u.status as unlock_status, p.id as receiver_id,
       ${MS('p.opted_out_at')} as opted_out_at,
       exists (select 1 from unlock_events e where e.unlock_id = u.id and e.to_status = 'PAID') as was_paid,
       (select ${MS('max(e.at)')} from unlock_events e where e.unlock_id = u.id and e.from_status = any($2)
         and not e.to_status = any($2)) as left_paid_at,
       exists (select 1 from payments where unlock_id = u.id)
         and not exists (select 1 from payments where unlock_id = u.id and status <> 'refunded') as money_is_back,
       (select ${MS('max(e.at)')} from unlock_events e where e.unlock_id = u.id
         and (e.cause like 'refund%' or e.cause = 'charge.refunded')) as money_back_at
     from outbound_messages m left join lead_unlocks u on u.id = m.unlock_id left join providers p on p.id = m.provider_id
     where m.id = $1`,
    [id, [...PAID_STATUSES]],
  )
  if (row === undefined) {
    world.violations.push(`4: the gateway accepted message ${id}, which nobody meant`)
    return
  }
  const sms = { messageId: id, purpose: row.purpose, phone: message.phone, text: message.text, at: world.clock.now }
  world.steps.push(`  gateway accepts message ${id} (${row.dedupe_key})`)
  checkOnce(world, sms)
  checkLockedFields(world, sms, row)
  checkAfterStop(world, sms, row)
  world.accepted.push(sms)
  await decideDelivery(world, message)
}

function checkOnce({ accepted, violations }: World, sms: AcceptedSms): void {
  if (accepted.some(({ messageId }) => messageId === sms.messageId)) {
    violations.push(`4: the gateway accepted message ${sms.messageId} twice`)
  }
}

function checkLockedFields(world: World, sms: AcceptedSms, row: Row): void {
  const said = world.leads.filter(({ locked }) => locked.some((value) => sms.text.includes(value)))
  if (row.purpose !== 'reveal') {
    if (said.length > 0) world.violations.push(`1: message ${sms.messageId} (${row.purpose}) holds a locked field`)
    return
  }
  const [lead] = said
  if (said.length !== 1 || lead?.id !== row.lead_id || !lead?.locked.every((value) => sms.text.includes(value))) {
    world.violations.push(`1: reveal ${sms.messageId} does not hold the details of its own lead alone`)
  }
  // What happens between the claim and the gateway's acceptance cannot be known to the sender.
  const claimedAt = world.claimedAt.get(sms.messageId) ?? 0
  const theirs = world.numbers.filter(
    ({ provider, leftAt }) => provider === row.receiver_id && (leftAt === null || leftAt >= claimedAt),
  )
  if (!theirs.some(({ phone }) => phone.slice(1) === sms.phone)) {
    world.violations.push(`1: reveal ${sms.messageId} went to another phone than its provider's`)
  }
  const isPaid = (PAID_STATUSES as readonly (string | null)[]).includes(row.unlock_status)
  if (!row.was_paid || (!isPaid && (row.left_paid_at ?? 0) < claimedAt)) {
    world.violations.push(`1: reveal ${sms.messageId} was sent for an unlock that is ${row.unlock_status}`)
  }
  if (row.money_is_back && row.money_back_at !== null && row.money_back_at < claimedAt) {
    world.violations.push(`3: reveal ${sms.messageId} was claimed when the money for it was back`)
  }
}

function checkAfterStop(world: World, sms: AcceptedSms, row: Row): void {
  if (row.opted_out_at === null) return
  const claimedAt = world.claimedAt.get(sms.messageId) ?? 0
  if (row.purpose === 'stop_confirmation') {
    const earlier = world.accepted.filter((other) => other.purpose === sms.purpose && other.phone === sms.phone)
    if (earlier.some(({ at }) => at >= Number(row.opted_out_at))) {
      world.violations.push(`6: message ${sms.messageId} confirms a STOP a second time`)
    }
  } else if (claimedAt > row.opted_out_at) {
    world.violations.push(`6: message ${sms.messageId} (${row.purpose}) was claimed after STOP`)
  }
}

/** Decides what the carrier will say, and sometimes lets it say so before the sender has its answer. */
async function decideDelivery(world: World, message: SentMessage): Promise<void> {
  const word = { gatewayId: message.id, ...outcomeOf(world, message) }
  if (word.status === 'q') return
  if (!world.random.chance(world.calm ? 0 : 0.12)) {
    world.carrier.push(word)
    return
  }
  const mail = pronounce(world, word)
  if (mail !== null) await deliver(world, mail)
}

function outcomeOf(world: World, message: SentMessage): Pick<CarrierWord, 'status' | 'rejectReason'> {
  if (world.textmagic.account.isUnsubscribed(message.phone)) return { status: 'j', rejectReason: 'g' }
  if (world.calm) return { status: 'd', rejectReason: null }
  const status = world.random.weighted<DeliveryStatus>([
    [80, 'd'],
    [8, 'q'],
    [4, 'f'],
    [3, 'e'],
    [3, 'u'],
    [2, 'j'],
  ])
  return { status, rejectReason: null }
}

/** The carrier's word is known at the gateway from now on; returns the receipt it posts, if it posts one. */
export function pronounce(world: World, { gatewayId, status, rejectReason }: CarrierWord) {
  const message = world.textmagic.account.setStatus(gatewayId, status, rejectReason)
  return ['d', 'f', 'j', 'u'].includes(status) ? mailOfReceipt(message) : null
}
