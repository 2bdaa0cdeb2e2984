import { endSuspension } from './actions-operations.ts'
import type { World } from './world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Longer than a process can be suspended and still go on as if nothing had happened. */
const NO_SUSPENSION_OUTLASTS_MS = HOUR

/** Time passes: what is under way at the gateways happens meanwhile. */
export async function pass(world: World, ms: number): Promise<void> {
  world.clock.advance(ms)
  await world.textmagic.settle()
}

export async function passSomeTime(world: World): Promise<void> {
  const { random } = world
  const [from, to] = random.weighted<[number, number]>([
    [8, [SECOND / 2, 5 * SECOND]],
    [8, [20 * SECOND, 50 * SECOND]],
    [6, [61 * SECOND, 3 * MINUTE]],
    [4, [5 * MINUTE, 15 * MINUTE]],
    [1.5, [35 * MINUTE, 3 * HOUR]],
    [0.5, [20 * HOUR, 30 * HOUR]],
  ])
  const ms = random.int(from, to)
  if (ms > NO_SUSPENSION_OUTLASTS_MS) await endSuspensions(world)
  world.steps.push(`${told(ms)} pass`)
  await pass(world, ms)
}

export async function endSuspensions(world: World): Promise<void> {
  while (world.suspended.length > 0) await endSuspension(world)
}

function told(ms: number): string {
  if (ms < 2 * MINUTE) return `${(ms / SECOND).toFixed(1)} s`
  return ms < 2 * HOUR ? `${(ms / MINUTE).toFixed(0)} min` : `${(ms / HOUR).toFixed(1)} h`
}
