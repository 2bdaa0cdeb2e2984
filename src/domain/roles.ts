/**
 * What a key may do. `admin`: everything. `operator`: the daily work, without the clients' contact details and without
 * what cannot be undone. `intake`: creating leads and nothing else, for a form or another system.
 */
export const ROLES = ['admin', 'operator', 'intake'] as const

export type Role = (typeof ROLES)[number]

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text)
}
