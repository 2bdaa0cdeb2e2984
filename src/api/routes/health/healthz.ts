import { Type } from 'typebox'
import type { App } from '../../deps.ts'

const schema = {
  tags: ['health'],
  summary: 'The process is alive',
  description: 'Asks nobody else: a process is not restarted because a database is away.',
  response: { 200: Type.Object({ status: Type.Literal('alive') }) },
}

/** GET /healthz */
export function healthz(app: App): void {
  app.get('/healthz', { schema, config: { neverShed: true } }, async () => ({ status: 'alive' as const }))
}
