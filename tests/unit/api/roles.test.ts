import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { ADMIN_ONLY, enforceRoles, STAFF } from '../../../src/api/auth/roles.ts'
import type { App } from '../../../src/api/deps.ts'
import { answerError } from '../../../src/api/errors.ts'
import { isRole, type Role } from '../../../src/domain/roles.ts'

const apps: App[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

/** An app whose caller has the role that a header names. */
function appWithRoles(): App {
  const app: App = fastify().withTypeProvider<TypeBoxTypeProvider>()
  apps.push(app)
  app.setErrorHandler(answerError)
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async (request) => {
    const role = String(request.headers['x-role'])
    request.caller = isRole(role) ? { id: 'key:1', name: 'somebody', role } : null
  })
  enforceRoles(app)
  return app
}

const forgotten: { roles?: Role[] }[] = [{}, { roles: [] }]
it.each(forgotten)('a route whose config is %j cannot be added: nobody thought about it', (config) => {
  const app = appWithRoles()
  const add = () => app.get('/forgotten', { config }, async () => 'open')
  expect(add).toThrow('GET /forgotten does not say in its config which roles may call it')
  expect(() => app.get('/forgotten', async () => 'open')).toThrow('does not say')
})

it('a route is open to the roles it names, also for HEAD, and to nobody else', async () => {
  const app = appWithRoles()
  app.get('/staff', { config: STAFF }, async () => 'open')
  app.get('/admin', { config: ADMIN_ONLY }, async () => 'open')
  const statuses = async (url: string, method: 'GET' | 'HEAD') => {
    const answers = ['admin', 'operator', 'intake', 'nobody'].map((role) =>
      app.inject({ url, method, headers: { 'x-role': role } }),
    )
    return (await Promise.all(answers)).map(({ statusCode }) => statusCode)
  }
  for (const method of ['GET', 'HEAD'] as const) {
    expect(await statuses('/staff', method)).toEqual([200, 200, 403, 401])
    expect(await statuses('/admin', method)).toEqual([200, 403, 403, 401])
  }
})
