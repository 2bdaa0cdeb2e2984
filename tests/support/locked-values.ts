import { Lead } from '../../src/db/entities/index.ts'
import { openLockedFields } from '../../src/db/leads/leads.ts'
import type { Evidence } from './evidence.ts'

/** The locked fields of every lead, in clear, by lead id. */
export async function lockedValues(product: Evidence): Promise<Map<string, string[]>> {
  const leads = await product.db.em.fork().find(Lead, {})
  return new Map(
    leads.map((lead) => [
      lead.id,
      Object.values(openLockedFields(product.sealer, lead) ?? {}).filter((value) => value !== null),
    ]),
  )
}
