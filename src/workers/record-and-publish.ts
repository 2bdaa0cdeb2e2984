import { type EntityManager, inTransaction } from '../db/postgres/orm.ts'
import type { Due } from '../domain/due.ts'
import type { JobDeps } from './deps.ts'

/**
 * Runs `work` in a transaction, and publishes what it returns as due after the commit: before it, another worker would find
 * nothing to do.
 *
 * @param work may run several times, like that of `inTransaction`
 */
export async function recordAndPublish(
  deps: Pick<JobDeps, 'em' | 'publish'>,
  work: (tx: EntityManager) => Promise<Due[]>,
): Promise<void> {
  await deps.publish(await inTransaction(deps.em, work))
}
