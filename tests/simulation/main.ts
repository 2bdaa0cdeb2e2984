import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Told } from '../support/simulation/history.ts'
import { type RunOptions, runHistories } from '../support/simulation/runner.ts'
import { postgresFor } from '../support/simulation/server.ts'

const USAGE = 'npm run simulate -- [--histories 300] [--seed <number>] [--processes <number>] [--until-broken]'
const PROGRESS_EVERY = 100

/** Lives through histories and says what it found; exits with 1 when a rule was broken. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '300' },
      seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
      processes: { type: 'string', default: String(availableParallelism()) },
      'until-broken': { type: 'boolean', default: false },
    },
  })
  const [histories, seed, processes] = [values.histories, values.seed, values.processes].map(Number)
  if (!isCount(histories) || !isCount(processes) || !Number.isSafeInteger(seed) || seed === undefined) {
    throw new Error(`usage: ${USAGE}`)
  }
  const postgres = await postgresFor(process.env.TEST_DATABASE_URL)
  try {
    await run({ histories, seed, processes, databaseUrl: postgres.url, untilBroken: values['until-broken'] })
  } finally {
    await postgres.close()
  }
}

async function run(options: Omit<RunOptions, 'onTold'>): Promise<void> {
  console.log(`${options.histories} histories from seed ${options.seed}`)
  const started = Date.now()
  const failed: number[] = []
  let done = 0
  const onTold = (told: Told) => {
    done += 1
    if (told.violations.length > 0) failed.push(told.seed)
    if (told.violations.length > 0 || options.histories === 1) tell(told)
    if (done % PROGRESS_EVERY === 0) console.log(`${done} histories, ${failed.length} broke a rule`)
  }
  const tally = await runHistories({ ...options, onTold })
  const seconds = Math.round((Date.now() - started) / 1000)
  for (const [what, count] of Object.entries(tally).sort()) console.log(`${String(count).padStart(8)} ${what}`)
  console.log(`${done} histories in ${seconds} s; ${failed.length} broke a rule${failed.length > 0 ? ':' : ''}`)
  for (const seed of failed) console.log(`  npm run simulate -- --histories 1 --seed ${seed}`)
  if (failed.length > 0) process.exitCode = 1
}

function tell({ seed, steps, violations }: Told): void {
  console.log(`\nseed ${seed}`)
  for (const step of steps) console.log(`  ${step}`)
  for (const violation of new Set(violations)) console.log(`  BROKEN ${violation}`)
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && (value ?? 0) > 0
}

await main()
