import { until } from '../support/until.ts'
import type { Site } from './site.ts'

/** @property phone digits only */
export type Person = { id: string; name: string; phone: string }

/**
 * Stores providers, and does what the answer asks for where the API has too much to do at the moment (503): tries again.
 *
 * @throws {Error} when they are refused
 */
export async function register(site: Site, people: readonly Person[]): Promise<void> {
  const lines = people.map(({ id, name, phone }) => `${id},${name},+${phone}`)
  const file = ['id,name,phone', ...lines].join('\n')
  let answer = ''
  const areStored = async () => {
    const { status, body } = await site.api('POST', '/api/providers/import', file)
    answer = `${status}: ${JSON.stringify(body)}`
    if (![200, 503].includes(status)) throw new Error(`POST /api/providers/import answered ${answer}`)
    return status !== 503
  }
  await until(`${people.length} providers to be stored`, areStored, async () => answer)
}
