import { openSimulatedDatabase, type SimulatedDatabase } from '../support/simulation/database.ts'
import { runHistory } from '../support/simulation/history.ts'

/** One process of the simulation: lives through the histories whose seeds it is sent, until nobody sends any more. */
async function main(): Promise<void> {
  const { SIMULATION_DATABASE_URL: url } = process.env
  if (url === undefined) throw new Error('SIMULATION_DATABASE_URL is not set: this is started by main.ts')
  const database = await openSimulatedDatabase(url, `simulation_${process.pid}_${Date.now()}`)
  let living: Promise<void> = Promise.resolve()
  process.on('message', (seed: number) => {
    living = live(database, seed)
  })
  process.on('disconnect', () => {
    void living.then(() => database.close())
  })
  process.send?.('ready')
}

async function live(database: SimulatedDatabase, seed: number): Promise<void> {
  const told = await runHistory(database, seed)
  // Whoever started this process may have ended meanwhile.
  if (process.connected) process.send?.(told)
}

await main()
