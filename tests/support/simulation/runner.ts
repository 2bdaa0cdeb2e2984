import { type ChildProcess, fork } from 'node:child_process'
import type { Told } from './history.ts'
import { addTally, type Tally } from './tally.ts'

export type RunOptions = {
  histories: number
  /** The first history's seed; each following has the next number. */
  seed: number
  /** Processes side by side, each with a database of its own. */
  processes: number
  /** A Postgres in which databases may be made. */
  databaseUrl: string
  /** Begin no further history once one broke a rule. */
  untilBroken?: boolean
  onTold: (told: Told) => void
}

const PROGRAM = new URL('../../simulation/process.ts', import.meta.url)

/** Lives through many histories in several processes. @returns what happened in all of them together */
export async function runHistories(options: RunOptions): Promise<Tally> {
  const sum: Tally = {}
  let next = options.seed
  const end = options.seed + options.histories
  const take = () => (next < end ? next++ : null)
  const onTold = (told: Told) => {
    if (options.untilBroken === true && told.violations.length > 0) next = end
    addTally(sum, told.tally)
    options.onTold(told)
  }
  const count = Math.min(options.processes, options.histories)
  await Promise.all(Array.from({ length: count }, () => runProcess(options.databaseUrl, take, onTold)))
  return sum
}

function runProcess(databaseUrl: string, take: () => number | null, onTold: (told: Told) => void): Promise<void> {
  const child = fork(PROGRAM, { execArgv: [], env: { ...process.env, SIMULATION_DATABASE_URL: databaseUrl } })
  return new Promise((resolve, reject) => {
    child.on('message', (message: Told | 'ready') => {
      if (message !== 'ready') onTold(message)
      handOut(child, take())
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`a process of the simulation ended with ${code ?? signal}`))
    })
  })
}

function handOut(child: ChildProcess, seed: number | null): void {
  if (seed === null) child.disconnect()
  else child.send(seed)
}
