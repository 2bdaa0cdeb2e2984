import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

type Ended = { code: number | string | null | undefined; output: string; errors: string }

function run(program: string, env: Record<string, string>): Promise<Ended> {
  const path = join(import.meta.dirname, '../..', program)
  return new Promise((resolve) => {
    execFile(process.execPath, [path], { env: { PATH: process.env.PATH, ...env } }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : error.code, output, errors })
    })
  })
}

it.each([
  ['src/api/server.ts', ['DATABASE_URL', 'ADMIN_API_KEY', 'PORT']],
  ['src/workers/main.ts', ['DATABASE_URL', 'ADMIN_API_KEY', 'PORT', 'WORKER_QUEUES']],
  ['src/db/migrate.ts', ['DATABASE_URL']],
])('%s ends with 1 without its variables, and names each, but no value, in plain words', async (program, variables) => {
  const secret = 'sk_live_not_to_be_shown'
  const env = { STRIPE_SECRET_KEY: secret, PORT: 'many', WORKER_QUEUES: 'none-such' }
  const { code, output, errors } = await run(program, env)
  expect(code).toBe(1)
  expect(output).toBe('')
  expect(errors).toMatch(/^\d+ problems? in the environment:\n/)
  for (const variable of variables) expect(errors).toContain(`\n  ${variable} `)
  expect(errors).not.toContain(secret)
  expect(errors).not.toContain('    at ')
})
