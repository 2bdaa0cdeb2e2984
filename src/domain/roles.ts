/**
 * What a key may do. `admin`: everything. `operator`: the same, refunds included, but neither see nor erase the clients'
 * contact details, nor read the audit log. `intake`: creating leads and nothing else, for a form or another system.
 */
export const ROLES = ['admin', 'operator', 'intake'] as const

export type Role = (typeof ROLES)[number]

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text)
}
