import { randomInt } from 'node:crypto'

/** Draws when faults come and how people behave: FAULTS_SEED where set, else a new one; whoever uses it prints it. */
export function seedOf(): number {
  const given = process.env.FAULTS_SEED
  return given === undefined ? randomInt(1_000_000) : Number(given)
}
