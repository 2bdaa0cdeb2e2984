import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApiKey } from '../../src/db/access/api-keys.ts'
import { drawApiKey, hashApiKey } from '../../src/domain/api-key.ts'
import { ROLES, type Role } from '../../src/domain/roles.ts'
import { documented, type Method } from './api-document.ts'
import { type Harness, startHarness } from './api-harness.ts'

/** Who may call what; every other route under /api is for admin and operator. */
const FOR_ADMIN_ALONE: readonly string[] = ['GET /api/audit', 'DELETE /api/leads/{id}/contact']
const FOR_INTAKE: readonly string[] = ['POST /api/leads']

let api: Harness
const keys = new Map<Role, string>()
beforeAll(async () => {
  api = await startHarness()
  for (const role of ROLES) {
    const key = drawApiKey()
    await createApiKey(api.db.em, { name: `a-${role}`, role, hash: hashApiKey(key) }, BY)
    keys.set(role, key)
  }
})
afterAll(() => api.close())

const BY = { keyName: 'cli', role: null, requestId: null }

const underApi = () => documented(api).filter(({ path }) => path.startsWith('/api/'))
const mayCall = (role: Role, call: string) =>
  role === 'admin' || (role === 'operator' ? !FOR_ADMIN_ALONE.includes(call) : FOR_INTAKE.includes(call))

async function ask(role: Role, method: Method, path: string): Promise<number> {
  const authorization = `Bearer ${keys.get(role)}`
  const url = path.replaceAll(/\{\w+\}/g, '0')
  return (await api.inject({ method, url, headers: { authorization } })).status
}

it('each call under /api is open to the roles it should be and to no other', async () => {
  const wrong: string[] = []
  for (const { method, path } of underApi()) {
    for (const role of ROLES) {
      const open = (await ask(role, method, path)) !== 403
      if (open !== mayCall(role, `${method} ${path}`))
        wrong.push(`${role} ${method} ${path} is ${open ? 'open' : 'shut'}`)
    }
  }
  expect(wrong).toEqual([])
  expect(underApi().length).toBeGreaterThan(15)
})

it('HEAD is open to nobody who may not GET', async () => {
  for (const { method, path } of underApi()) {
    if (method === 'GET') expect([path, await ask('intake', 'HEAD', path)]).toEqual([path, 403])
  }
})

it('the OpenAPI document names the roles of each call under /api, and none elsewhere', () => {
  for (const { method, path, roles } of documented(api)) {
    const expected = ROLES.filter((role) => mayCall(role, `${method} ${path}`))
    expect([method, path, roles]).toEqual([method, path, path.startsWith('/api/') ? expected : undefined])
  }
})

it('no route under /api is missing from the OpenAPI document', () => {
  const known = new Set(underApi().map(({ path }) => path.replaceAll(/\{(\w+)\}/g, ':$1')))
  expect(routesOf(api.app.printRoutes({ commonPrefix: false })).filter((url) => url.startsWith('/api'))).toEqual(
    expect.arrayContaining([...known]),
  )
  for (const url of routesOf(api.app.printRoutes({ commonPrefix: false }))) {
    if (url.startsWith('/api')) expect(known).toContain(url)
  }
})

/** The full paths in a printed tree of routes. */
function routesOf(printed: string): string[] {
  const parents: string[] = []
  return printed.split('\n').flatMap((line) => {
    const [, indent, path, methods] = /^([│├└─\s]*)(\S+)(?: \((.+)\))?$/.exec(line) ?? []
    if (indent === undefined || path === undefined) return []
    const depth = indent.length / 4 - 1
    parents.splice(depth)
    parents[depth] = path
    return methods === undefined ? [] : [parents.join('')]
  })
}
