import type { Evidence } from './evidence.ts'

/** What a fault left behind, counted at the gateways and in the database. */
export type Tally = {
  leads: number
  unlocks: number
  /** Payments that Stripe took. */
  payments: number
  /** Unlocks whose payment is kept. */
  paidUnlocks: number
  /** Reveals that the SMS gateway accepted. */
  reveals: number
  /** Of those, the ones sent again because the provider asked. */
  askedAgain: number
  refunds: number
  /** How many of a kind, resolved ones included. */
  escalations: Record<string, number>
  /** Paid unlocks without a reveal, and money that nobody knows of. */
  lost: string[]
  /** Texts that the SMS gateway accepted more than once, and unlocks with more reveals than were asked for. */
  twice: string[]
}

type RevealRow = { unlock_id: number; references: string[]; wanted: number; paid: boolean }

/** Counts everything on a site; the gateways' word counts, not our own record of it. */
export async function takeTally({ rows, textmagic, stripe }: Evidence): Promise<Tally> {
  const one = async (sql: string) => Number((await rows<{ count: string }>(`select count(*) from ${sql}`))[0]?.count)
  const accepted = Map.groupBy(textmagic.messages(), ({ referenceId }) => referenceId ?? 'none')
  const unlocks = await rows<RevealRow>(
    `select u.id as unlock_id, 1 + u.reveal_resends as wanted,
       array(select m.id::text from outbound_messages m where m.unlock_id = u.id and m.purpose = 'reveal') as references,
       exists (select 1 from payments p where p.unlock_id = u.id and p.status = 'kept') as paid
     from lead_unlocks u order by u.id`,
  )
  const revealed = unlocks.map((unlock) => ({
    ...unlock,
    reveals: unlock.references.reduce((sum, reference) => sum + (accepted.get(reference)?.length ?? 0), 0),
  }))
  const known = new Set(
    (await rows<{ id: string }>('select payment_intent_id as id from payments')).map(({ id }) => id),
  )
  const kinds = await rows<{ kind: string; count: string }>('select kind, count(*) from escalations group by kind')
  return {
    leads: await one('leads'),
    unlocks: unlocks.length,
    payments: stripe.charges().length,
    paidUnlocks: unlocks.filter(({ paid }) => paid).length,
    reveals: revealed.reduce((sum, { reveals }) => sum + reveals, 0),
    askedAgain: revealed.reduce((sum, { wanted }) => sum + wanted - 1, 0),
    refunds: stripe.refunds().filter(({ status }) => status === 'succeeded').length,
    escalations: Object.fromEntries(kinds.map(({ kind, count }) => [kind, Number(count)])),
    lost: [
      ...revealed
        .filter(({ paid, reveals }) => paid && reveals === 0)
        .map((one) => `reveal of unlock ${one.unlock_id}`),
      ...stripe
        .charges()
        .filter(({ payment_intent }) => !known.has(payment_intent))
        .map(({ payment_intent }) => `payment ${payment_intent}`),
    ],
    twice: [
      ...revealed.filter(({ reveals, wanted }) => reveals > wanted).map((one) => `reveal of unlock ${one.unlock_id}`),
      ...[...accepted].filter(([, messages]) => messages.length > 1).map(([reference]) => `message ${reference}`),
    ],
  }
}

/** One line for a person. @param what the fault, with its seed */
export function describeTally(what: string, tally: Tally): string {
  const escalations = Object.entries(tally.escalations).map(([kind, count]) => `${kind} ${count}`)
  return [
    `${what}: leads ${tally.leads}`,
    `payments ${tally.payments}`,
    `reveals ${tally.reveals} for ${tally.paidUnlocks} paid unlocks (asked again ${tally.askedAgain})`,
    `refunds ${tally.refunds}`,
    `escalations ${escalations.length === 0 ? 0 : escalations.join(' ')}`,
    `lost ${tally.lost.length}`,
    `twice ${tally.twice.length}`,
  ].join(' | ')
}
