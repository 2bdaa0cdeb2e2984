import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import type { App } from '../../../src/api/deps.ts'
import { answerError } from '../../../src/api/errors.ts'
import { limitRoutes } from '../../../src/api/limits.ts'

const apps: App[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

it('a route that does not come to an end is answered 503, to be tried again, and one that says so may take longer', async () => {
  const app: App = fastify().withTypeProvider<TypeBoxTypeProvider>()
  apps.push(app)
  app.setErrorHandler(answerError)
  limitRoutes(app, { bodyLimit: 16, handlerTimeout: 20 })
  const hanging = Promise.withResolvers<string>()
  app.get('/hangs', () => hanging.promise)
  app.get('/streams', { handlerTimeout: 60_000 }, () => hanging.promise)
  const streaming = app.inject('/streams').then((answer) => answer)

  const late = await app.inject('/hangs')
  expect(late.statusCode).toBe(503)
  expect(late.json()).toMatchObject({ type: 'urn:lead-unlock:problem:unavailable' })
  expect(Number(late.headers['retry-after'])).toBeGreaterThan(0)

  hanging.resolve('done')
  expect((await streaming).body).toBe('done')
})

it('a body beyond the limit is refused, and a route that says so takes more', async () => {
  const app: App = fastify().withTypeProvider<TypeBoxTypeProvider>()
  apps.push(app)
  app.setErrorHandler(answerError)
  limitRoutes(app, { bodyLimit: 16 })
  app.post('/small', async () => 'taken')
  app.post('/large', { bodyLimit: 32 }, async () => 'taken')
  const payload = { text: 'twenty bytes' }
  const refused = await app.inject({ method: 'POST', url: '/small', payload })
  expect(refused.json()).toMatchObject({ status: 413, type: 'urn:lead-unlock:problem:too-large' })
  expect((await app.inject({ method: 'POST', url: '/large', payload })).body).toBe('taken')
})
