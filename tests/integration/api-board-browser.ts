import { expect } from 'vitest'
import { createApiKey } from '../../src/db/access/api-keys.ts'
import { drawApiKey, hashApiKey } from '../../src/domain/api-key.ts'
import type { Role } from '../../src/domain/roles.ts'
import type { Answer, Harness } from './api-harness.ts'

export const OWN = { 'sec-fetch-site': 'same-origin' }

/** What a browser says of a page of another site, or what is no browser we know. */
export const FOREIGN: readonly Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example', host: 'localhost' },
  {},
]

let lastAddress = 0
/** An address that no other test has failed from. */
export const freshAddress = () => {
  lastAddress += 1
  return `10.0.1.${lastAddress}`
}

/** The cookie that an answer sets, as it is sent back. */
export const cookieOf = (answer: Answer) => ({ cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' })

/** Somebody at the queue board. @param api of the file's own, once it has started */
export function browserOf(api: () => Harness) {
  const get = (url: string, headers: Record<string, string> = {}, harness = api()) =>
    harness.inject({ method: 'GET', url, headers })
  const post = (
    url: string,
    form: Record<string, string> = {},
    headers: Record<string, string> = OWN,
    remoteAddress = freshAddress(),
    harness = api(),
  ) =>
    harness.inject({
      method: 'POST',
      url,
      remoteAddress,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: new URLSearchParams(form).toString(),
    })
  return {
    get,
    post,
    act: (path: string, headers: Record<string, string>, method: 'PUT' | 'POST' | 'PATCH' = 'PUT') =>
      api().inject({ method, url: `/admin/queues${path}`, headers }),
    async signIn(key: string, harness = api()): Promise<{ cookie: string }> {
      const answer = await post('/admin/sign-in', { key }, OWN, freshAddress(), harness)
      expect([answer.status, answer.headers.location]).toEqual([303, '/admin/queues'])
      return cookieOf(answer)
    },
    async storedKey(name: string, role: Role): Promise<string> {
      const key = drawApiKey()
      const by = { keyName: 'cli', role: null, requestId: null }
      await createApiKey(api().db.em, { name, role, hash: hashApiKey(key) }, by)
      return key
    },
    audited: (requestId: string) =>
      api().rows('select key_name, role, action, target from audit_log where request_id = ? order by id', [requestId]),
  }
}
