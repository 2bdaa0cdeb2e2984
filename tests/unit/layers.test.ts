// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the snippets are source text
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome')

/** File, and what it imports against the rule of the layers. */
const FORBIDDEN = [
  ['src/domain/a.ts', "import { x } from '../db/orm.ts'"],
  ['src/domain/b.ts', "import type { X } from '../queues/contract.ts'"],
  ['src/domain/c.ts', "import { x } from '../config.ts'"],
  ['src/domain/d.ts', "import { x } from '../logging.ts'"],
  ['src/domain/e.ts', "import { readFileSync } from 'node:fs'"],
  ['src/domain/f.ts', "import { connect } from 'node:net'"],
  ['src/domain/g.ts', "import { get } from 'node:http'"],
  ['src/domain/h.ts', "import { Redis } from 'ioredis'"],
  ['src/domain/i.ts', "import { MikroORM } from '@mikro-orm/postgresql'"],
  ['src/domain/texts/j.ts', "import { x } from '../../gateways/http.ts'"],
  ['src/domain/k.ts', 'export const now = fetch'],
  ['src/db/a.ts', "import { x } from '../queues/contract.ts'"],
  ['src/db/b.ts', "import { x } from '../gateways/http.ts'"],
  ['src/db/c.ts', "import { x } from '../config.ts'"],
  ['src/db/d.ts', "import { x } from '../logging.ts'"],
  ['src/db/entities/e.ts', "export { x } from '../../api/app.ts'"],
  ['src/db/f.ts', "import { x } from '../workers/registry.ts'"],
  ['src/db/g.ts', "import { x } from '../lifecycle.ts'"],
  ['src/db/migrate.ts', "import { x } from '../queues/contract.ts'"],
  ['src/db/rotate-encryption.ts', "import { x } from '../workers/registry.ts'"],
  ['src/db/keys.ts', "import { x } from '../api/app.ts'"],
  ['src/queues/a.ts', "import { x } from '../db/orm.ts'"],
  ['src/queues/b.ts', "import { x } from '../gateways/http.ts'"],
  ['src/queues/c.ts', "import { x } from '../config.ts'"],
  ['src/queues/d.ts', "import { x } from '../workers/registry.ts'"],
  ['src/gateways/a.ts', "import { x } from '../db/orm.ts'"],
  ['src/gateways/stripe/b.ts', "import { x } from '../../queues/contract.ts'"],
  ['src/gateways/c.ts', "import { x } from '../logging.ts'"],
  ['src/domain/l.ts', "import { x } from '../metrics/jobs.ts'"],
  ['src/db/h.ts', "import { x } from '../metrics/jobs.ts'"],
  ['src/queues/e.ts', "import { x } from '../metrics/jobs.ts'"],
  ['src/gateways/stripe/d.ts', "import { x } from '../../metrics/gateways.ts'"],
  ['src/metrics/a.ts', "import { x } from '../workers/registry.ts'"],
  ['src/metrics/b.ts', "import { x } from '../api/app.ts'"],
  ['src/metrics/c.ts', "import { x } from '../config.ts'"],
  ['src/metrics/d.ts', "import { x } from '../logging.ts'"],
  ['src/api/a.ts', "import { x } from '../workers/registry.ts'"],
  ['src/api/routes/leads/b.ts', "import { x } from '../../../workers/registry.ts'"],
  ['src/api/c.ts', "import { x } from '../sandbox/faults.ts'"],
  ['src/workers/a.ts', "import { x } from '../api/app.ts'"],
  ['src/workers/jobs/b.ts', "export const x = import('../../api/app.ts')"],
  ['src/workers/c.ts', "import { x } from '../sandbox/faults.ts'"],
  ['src/config.ts', "import { x } from './db/orm.ts'"],
  ['src/config/a.ts', "import { x } from '../logging.ts'"],
  ['src/logging.ts', "import { x } from './config.ts'"],
  ['src/logging/a.ts', "import { x } from '../domain/states.ts'"],
  ['src/something-new.ts', "import { x } from './sandbox/faults.ts'"],
  ['src/something/new.ts', "import { x } from '../sandbox/faults.ts'"],
  ['scripts/a.ts', "import { x } from '../src/sandbox/faults.ts'"],
  ['src/sandbox/a.ts', "import { x } from '../../tests/support/stores.ts'"],
  ['scripts/bootstrap.mjs', "import { x } from 'pino'"],
  ['src/workers/d.ts', "export const level = process.env['LOG_LEVEL']"],
  ['src/workers/e.ts', "console.log('paid')"],
  ['src/workers/f.ts', 'log.info(`revealed to ${provider.name}`)'],
  ['src/workers/g.ts', 'deps.log.warn({ unlock_id: 7 }, `revealed to ${provider.name}`)'],
] as const

const ALLOWED = [
  ['src/domain/x.ts', "import { x } from './states.ts'"],
  ['src/domain/texts/x.ts', "import { x } from '../money.ts'"],
  ['src/domain/y.ts', "import { parsePhoneNumberFromString } from 'libphonenumber-js/max'"],
  ['src/domain/z.ts', "import { randomInt } from 'node:crypto'"],
  ['src/domain/v.ts', "import { Value } from 'typebox/value'"],
  ['src/db/x.ts', "import { x } from '../domain/states.ts'"],
  ['src/db/entities/y.ts', "import { x } from '../sealing.ts'"],
  ['src/db/z.ts', "import { readdir } from 'node:fs/promises'"],
  ['src/queues/x.ts', "import { Queue } from 'bullmq'"],
  ['src/queues/y.ts', "import { x } from '../domain/due.ts'"],
  ['src/gateways/stripe/x.ts', "import { x } from '../errors.ts'"],
  ['src/gateways/y.ts', "import { x } from '../domain/money.ts'"],
  ['src/metrics/x.ts', "import { x } from '../queues/contract.ts'"],
  ['src/metrics/y.ts', "import type { X } from '../gateways/observer.ts'"],
  ['src/api/routes/leads/x.ts', "import { x } from '../../../db/orm.ts'"],
  ['src/api/y.ts', "import { createBullBoard } from '@bull-board/api'"],
  ['src/api/server.ts', 'export const env = process.env'],
  ['src/workers/x.ts', "import { x } from '../gateways/http.ts'"],
  ['src/workers/v.ts', "deps.log.warn({ job_id: `reveal-${unlock.id}` }, 'late')"],
  ['src/workers/y.ts', "import { x } from '../logging.ts'"],
  ['src/sandbox/x.ts', "import { x } from '../api/app.ts'"],
  ['tests/integration/x.ts', "import { x } from '../../src/sandbox/faults.ts'"],
  ['bench/x.ts', "import { x } from '../src/sandbox/faults.ts'"],
] as const

/** The rules that hold the layers; others (an unused import, say) are not what these snippets are about. */
const LAYER_RULES = [
  'lint/style/noRestrictedImports',
  'lint/style/noRestrictedGlobals',
  'lint/style/noProcessEnv',
  'lint/suspicious/noConsole',
  'plugin',
]

type Report = { diagnostics: { category: string; location: { path: string } }[] }

describe('the rule of the layers, as `npm run check` applies it', () => {
  let project: string
  let refused: Set<string>

  // One run of the linter over a tree that holds every snippet, under the project's own settings.
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'layers-'))
    await cp(join(ROOT, 'biome.json'), join(project, 'biome.json'))
    await cp(join(ROOT, 'lint'), join(project, 'lint'), { recursive: true })
    for (const [path, source] of [...FORBIDDEN, ...ALLOWED]) {
      await mkdir(dirname(join(project, path)), { recursive: true })
      await writeFile(join(project, path), `${source}\n`)
    }
    refused = await lint(project)
  })
  afterAll(() => rm(project, { recursive: true, force: true }))

  test.each(FORBIDDEN)('%s may not say: %s', (path) => {
    expect(refused).toContain(path)
  })

  test.each(ALLOWED)('%s may say: %s', (path) => {
    expect(refused).not.toContain(path)
  })
})

async function lint(project: string): Promise<Set<string>> {
  const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.']
  const output = await promisify(execFile)(process.execPath, [BIOME, ...args], { cwd: project }).catch(
    (failure: { stdout: string }) => failure,
  )
  const report: Report = JSON.parse(output.stdout)
  return new Set(
    report.diagnostics
      .filter(({ category }) => LAYER_RULES.includes(category))
      .map(({ location }) => relative(project, join(project, location.path))),
  )
}
