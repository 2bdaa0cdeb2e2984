import { openSimulatedDatabase } from '../support/simulation/database.ts'
import { runHistory } from '../support/simulation/history.ts'
import { hookPostgres } from '../support/simulation/postgres-hooks.ts'

/** One process of the simulation: lives through the histories whose seeds it is sent, until nobody sends any more. */
async function main(): Promise<void> {
  const { SIMULATION_DATABASE_URL: url } = process.env
  if (url === undefined) throw new Error('SIMULATION_DATABASE_URL is not set: this is started by main.ts')
  const database = await openSimulatedDatabase(url, `simulation_${process.pid}_${Date.now()}`)
  hookPostgres()
  process.on('message', async (seed: number) => {
    process.send?.(await runHistory(database, seed))
  })
  process.on('disconnect', () => void database.close())
  process.send?.('ready')
}

await main()
