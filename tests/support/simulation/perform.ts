import { isLockConflict } from '../../../src/db/postgres/sqlstates.ts'
import { type Plan, type Rest, Task } from './tasks.ts'
import type { World } from './world.ts'

/** @param wasCut the task lost a connection to the database: an error of it is no bug */
type Settle<T> = (rest: Rest<T>, wasCut: boolean) => Promise<void> | void

/**
 * Runs a piece of the product's work until it ends, dies or is suspended, and writes it into the history.
 *
 * @param settle told how it ended; not before a suspended task was resumed
 */
export async function perform<T>(
  world: World,
  name: string,
  plan: Plan,
  work: () => Promise<T>,
  settle: Settle<T>,
): Promise<void> {
  const task = new Task<T>(name, plan)
  await follow(world, task, await task.start(work), settle)
}

async function follow<T>(world: World, task: Task<T>, rest: Rest<T>, settle: Settle<T>): Promise<void> {
  world.steps.push(`${task.name}: ${told(rest)}${task.wasCut ? ', after its connection was lost' : ''}`)
  world.unchecked = true
  if (rest.type === 'threw' && !task.wasCut && !isLockConflict(rest.error)) {
    world.violations.push(`${task.name} threw ${rest.error}`)
  }
  if (rest.type !== 'parked') return settle(rest, task.wasCut)
  world.suspended.push({
    name: task.name,
    resume: async () => {
      await follow(world, task, await task.resume(), settle)
    },
    kill: async () => {
      await task.kill()
      await follow(world, task, { type: 'crashed', at: rest.at }, settle)
    },
  })
}

function told(rest: Rest): string {
  switch (rest.type) {
    case 'done':
      return rest.value === undefined ? 'done' : String(rest.value)
    case 'threw':
      return isLockConflict(rest.error) ? 'in the way of a suspended task' : `threw ${rest.error}`
    case 'crashed':
      return `crashed ${rest.at}`
    case 'parked':
      return `suspended ${rest.at}`
  }
}
