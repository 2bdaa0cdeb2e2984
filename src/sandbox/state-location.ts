import { join, resolve } from 'node:path'

/** The clone's own folder for everything that is not in git. What was downloaded stays here for all runs. */
export const LOCAL = join(import.meta.dirname, '..', '..', '.local')

/**
 * Where `npm start` keeps its data: `.local` of the clone, from wherever it is called. LEAD_UNLOCK_STATE_DIR names another
 * folder, for a second sandbox beside the first.
 */
export function stateDirectory(env: NodeJS.ProcessEnv): string {
  return env.LEAD_UNLOCK_STATE_DIR ? resolve(env.LEAD_UNLOCK_STATE_DIR) : LOCAL
}
