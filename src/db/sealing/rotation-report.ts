import { IDEMPOTENCY_DAYS } from '../erasure/retention.ts'
import { FINGERPRINTS, type KeyUse, type Unopened } from './rotation.ts'

/** Places named one by one; more of them have one cause. */
const MAX_NAMED = 1_000

/** What a rotation came to, in lines for whoever ran it: ids and counts, never a value. */
export type RotationReport = {
  lines: string[]
  /** What could not be opened, for the error output. */
  failures: string[]
  /** Everything that can be is sealed with the newest key. */
  complete: boolean
}

/** @param configured ids of the keys of ENCRYPTION_KEYS, newest first */
export function rotationReport(
  use: KeyUse,
  unopened: readonly Unopened[],
  configured: readonly [string, ...string[]],
): RotationReport {
  const [newest] = configured
  const ids = [...new Set([...configured, ...use.keys()])]
  const remaining = ids.filter((id) => id !== newest && valuesOf(use, id) > 0)
  return {
    lines: ids.map((id) => `${id}: ${countsOf(use, id)}; ${advice(use, id, configured)}`),
    failures: failuresOf(unopened),
    complete: unopened.length === 0 && remaining.length === 0,
  }
}

function valuesOf(use: KeyUse, id: string): number {
  return [...(use.get(id) ?? [])].reduce((sum, [what, count]) => (what === FINGERPRINTS ? sum : sum + count), 0)
}

function countsOf(use: KeyUse, id: string): string {
  const counts = [...(use.get(id) ?? [])].map(([what, count]) => `${count} in ${what}`)
  return counts.length === 0 ? 'nothing' : counts.join(', ')
}

function advice(use: KeyUse, id: string, configured: readonly string[]): string {
  if (id === configured[0]) return 'the newest'
  if (!configured.includes(id)) return 'not in ENCRYPTION_KEYS'
  if (valuesOf(use, id) > 0) return 'still needed'
  const fingerprints = use.get(id)?.get(FINGERPRINTS) ?? 0
  if (fingerprints === 0) return 'can be dropped from ENCRYPTION_KEYS'
  return `drop it when these have ended, after ${IDEMPOTENCY_DAYS} days: until then it recognises repeated requests`
}

function failuresOf(unopened: readonly Unopened[]): string[] {
  const named = unopened.slice(0, MAX_NAMED).map(({ table, id, column }) => `could not open ${table} ${id} ${column}`)
  return unopened.length > MAX_NAMED ? [...named, `and ${unopened.length - MAX_NAMED} more`] : named
}
