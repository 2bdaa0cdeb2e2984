import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Environment } from '../../src/config/variables.ts'
import { loadConfig } from '../../src/config.ts'
import { PROGRAMS } from '../../src/sandbox/product-processes.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts
const example = read('.env.example')
const compose = read('docker-compose.yml')

/** Assignments of .env.example: those to fill in, and those commented out. */
const assignments = (pattern: RegExp) =>
  Object.fromEntries([...example.matchAll(pattern)].map(([, name, value]) => [name ?? '', value ?? '']))
const toFillIn = assignments(/^(?!POSTGRES_PASSWORD)([A-Z_]+)=()$/gm)
const optional = assignments(/^# ([A-Z_]+)=(.*)$/gm)

const drawn = () => randomBytes(32).toString('hex')
const FILLED = {
  NODE_ENV: 'production',
  DATABASE_URL: `postgresql://lead_unlock:${drawn()}@postgres:5432/lead_unlock`,
  REDIS_URL: 'redis://redis:6379',
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  ADMIN_API_KEY: drawn(),
  STRIPE_SECRET_KEY: `sk_test_${drawn()}`,
  STRIPE_WEBHOOK_SECRET: `whsec_${drawn()}`,
  TEXTMAGIC_USERNAME: 'user',
  TEXTMAGIC_API_KEY: drawn(),
  TEXTMAGIC_WEBHOOK_TOKEN: drawn(),
}

describe('.env.example', () => {
  test('names every variable of the configuration once, and of others only those of the containers', () => {
    const named = [...example.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(named.sort()).toEqual([...Object.keys(Environment.properties), 'POSTGRES_PASSWORD'].sort())
    expect(compose).toContain('POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?')
  })

  test('is one of production, as that of the image, and leaves empty exactly what production requires', () => {
    expect(example).toMatch(/^NODE_ENV=production$/m)
    expect(read('Dockerfile')).toMatch(/^ENV NODE_ENV=production$/m)
    const required = [...Environment.required, 'TEXTMAGIC_WEBHOOK_TOKEN'].filter((name) => !(name in optional))
    expect(Object.keys(toFillIn).sort()).toEqual(required.filter((name) => name !== 'NODE_ENV').sort())
    expect(() => loadConfig({ ...toFillIn, NODE_ENV: 'production' })).toThrow(
      `${Object.keys(toFillIn).length} problems in the environment`,
    )
  })

  test('filled in as it says is accepted', () => {
    expect(loadConfig(FILLED).production).toBe(true)
  })

  test('with the password of an example for the database of the containers is refused', () => {
    const url = 'postgresql://lead_unlock:lead_unlock@postgres:5432/lead_unlock'
    expect(() => loadConfig({ ...FILLED, DATABASE_URL: url })).toThrow(
      'DATABASE_URL has a password that everybody tries',
    )
  })

  test('shows the defaults that hold', () => {
    expect(Object.keys(FILLED).sort()).toEqual(['NODE_ENV', ...Object.keys(toFillIn)].sort())
    expect(loadConfig({ ...FILLED, ...optional })).toEqual(loadConfig(FILLED))
  })
})

test('docs/configuration.md explains every variable, and no other', () => {
  const rows = [...read('docs/configuration.md').matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|/gm)]
  const explained = rows.flatMap(([, names = '']) => [...names.matchAll(/[A-Z_]+/g)].map(([name]) => name))
  expect(explained.sort()).toEqual(Object.keys(Environment.properties).sort())
})

test.each(['migrate', 'api', 'worker'] as const)('the sandbox runs what `npm run %s` runs', (name) => {
  expect(`exec node ${PROGRAMS[name].join(' ')}`).toBe(scripts[name])
})

describe('the containers', () => {
  const services = compose.slice(compose.indexOf('\nservices:\n'), compose.indexOf('\nvolumes:\n'))
  /** The lines of one service: from its name up to the next line indented as little. */
  const service = (name: string): string =>
    new RegExp(`^ {2}${name}:\\n((?: {4,}.*\\n|\\n)+)`, 'm').exec(services)?.[1] ?? ''

  test('are the stores, the migration, the API and the workers', () => {
    expect([...services.matchAll(/^ {2}(\w+):$/gm)].map(([, name]) => name)).toEqual([
      'postgres',
      'redis',
      'migrate',
      'api',
      'worker',
    ])
  })

  test.each(['migrate', 'api', 'worker'])('%s runs what `npm run` of that name runs', (name) => {
    const words = /^ {4}command: (\[.*\])$/m.exec(service(name))?.[1] ?? '[]'
    expect(`exec ${JSON.parse(words).join(' ')}`).toBe(scripts[name])
  })

  test('by default run the API', () => {
    const words = /^CMD (\[.*\])$/m.exec(read('Dockerfile'))?.[1] ?? '[]'
    expect(`exec ${JSON.parse(words).join(' ')}`).toBe(scripts.api)
  })

  test('of workers may be many: they have neither a name nor a port of their own', () => {
    expect(service('worker')).toContain('command:')
    expect(service('worker')).not.toMatch(/container_name|ports/)
    expect(compose).not.toContain('container_name')
  })

  test('of Redis never evict a job', () => {
    expect(service('redis')).toContain('"--maxmemory-policy", "noeviction", "--appendonly", "yes"')
  })

  test.each(['api', 'worker'])('%s starts after the migration succeeded', (name) => {
    expect(service(name)).toContain('depends_on: *after-migrations')
    expect(compose).toMatch(/migrate:\n {4}condition: service_completed_successfully/)
  })
})
