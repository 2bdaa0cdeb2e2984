import { until } from '../support/until.ts'
import type { Site } from './site.ts'

/**
 * Stores a provider, and does what its answer asks for where the API has too much to do at the moment (503): tries again.
 *
 * @param phone digits only
 * @throws {Error} when it is refused
 */
export async function register(site: Site, id: string, name: string, phone: string): Promise<void> {
  let answer = ''
  const isStored = async () => {
    const { status, body } = await site.api('PUT', `/api/providers/${id}`, { name, phone: `+${phone}` })
    answer = `${status}: ${JSON.stringify(body)}`
    if (![200, 201, 503].includes(status)) throw new Error(`PUT /api/providers/${id} answered ${answer}`)
    return status !== 503
  }
  await until(`provider ${id} to be stored`, isStored, async () => answer)
}
