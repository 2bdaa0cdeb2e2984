import type { World } from './world.ts'

/** How often what happened, over many histories. */
export type Tally = Record<string, number>

export function addTally(sum: Tally, one: Tally): void {
  for (const [what, count] of Object.entries(one)) sum[what] = (sum[what] ?? 0) + count
}

/** Counts what a history went through, to see that histories reach what they are meant to reach. */
export async function tallyOf(world: World): Promise<Tally> {
  const tally: Tally = {}
  const count = (what: string, by = 1) => addTally(tally, { [what]: by })
  const rows = await world.database.rows<{ what: string; count: string }>(
    `select 'unlock ' || to_status as what, count(*) from unlock_events where from_status <> to_status group by 1
     union all select 'escalation ' || kind, count(*) from escalations group by 1
     union all select 'payment ' || status, count(*) from payments group by 1
     union all select 'message ' || status, count(*) from outbound_messages group by 1
     union all select 'inbox ' || source, count(*) from webhook_inbox group by 1`,
  )
  for (const row of rows) count(row.what, Number(row.count))
  for (const { purpose } of world.accepted) count(`sent ${purpose}`)
  for (const step of world.steps) {
    const what = /: (crashed|suspended|given_up|in the way)/.exec(step)?.[1]
    if (what !== undefined) count(`task ${what}`)
  }
  return tally
}
