import type { Random } from './random.ts'
import type { Plan } from './tasks.ts'

/** What kind of a history it is: quiet, or full of crashes, or with gateways that fail. */
export type Profile = {
  /** Random steps before everything is drained. */
  steps: number
  /** Share of gateway calls that do not simply succeed. */
  faultRate: number
  /** Share of the tasks that die. */
  crashRate: number
  /** Share of the tasks that are suspended while others run. */
  parkRate: number
  /** Share of the tasks that lose their connection to the database. */
  cutRate: number
  /** Share of the wake-ups that are lost or doubled. */
  queueFaultRate: number
  latePayment: 'reveal' | 'refund'
  /** The SMS account refuses our sender number. */
  refusesSender: boolean
}

export function drawProfile(random: Random): Profile {
  return {
    steps: random.int(30, 90),
    faultRate: random.pick([0, 0.05, 0.15, 0.3]),
    crashRate: random.pick([0, 0.05, 0.15, 0.3]),
    parkRate: random.pick([0, 0.15, 0.4]),
    cutRate: random.pick([0, 0, 0.05, 0.15]),
    queueFaultRate: random.pick([0, 0.1]),
    latePayment: random.pick(['reveal', 'refund'] as const),
    refusesSender: random.chance(0.15),
  }
}

/** Short tasks have half a dozen moments, long ones half a hundred: early moments of long tasks are tried more often than late ones. */
const REACHES = [6, 15, 30, 60]

/** Where a task dies or is suspended, if it is at all. */
export function drawPlan(random: Random, { crashRate, parkRate, cutRate }: Profile): Plan {
  const moment = () => random.int(1, random.pick(REACHES))
  const crashAt = random.chance(crashRate) ? moment() : null
  const parkAt = new Set<number>()
  if (random.chance(parkRate)) parkAt.add(moment())
  if (random.chance(parkRate / 3)) parkAt.add(moment())
  const cutAt = random.chance(cutRate) ? moment() : null
  return { crashAt, parkAt, cutAt }
}
