import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Environment } from '../../src/config/variables.ts'
import { loadConfig } from '../../src/config.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts
const example = read('.env.example')
const compose = read('docker-compose.yml')

/** Assignments of .env.example: those to fill in, and those commented out. */
const assignments = (pattern: RegExp) =>
  Object.fromEntries([...example.matchAll(pattern)].map(([, name, value]) => [name ?? '', value ?? '']))
const toFillIn = assignments(/^([A-Z_]+)=(.*)$/gm)
const optional = assignments(/^# ([A-Z_]+)=(.*)$/gm)

describe('.env.example', () => {
  test('names every variable of the configuration once, and no other', () => {
    const named = [...example.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(named.sort()).toEqual(Object.keys(Environment.properties).sort())
  })

  test('leaves empty exactly what is required', () => {
    expect(Object.keys(toFillIn).sort()).toEqual([...Environment.required].sort().filter((name) => !(name in optional)))
    expect(new Set(Object.values(toFillIn))).toEqual(new Set(['']))
    expect(() => loadConfig(toFillIn)).toThrow(`${Object.keys(toFillIn).length} problems in the environment`)
  })

  test('shows the defaults that hold', () => {
    const filled = {
      DATABASE_URL: 'postgresql://db/lead_unlock',
      REDIS_URL: 'redis://redis',
      ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
      ADMIN_API_KEY: 'an-admin-key',
      STRIPE_SECRET_KEY: 'sk_test_x',
      STRIPE_WEBHOOK_SECRET: 'whsec_x',
      TEXTMAGIC_USERNAME: 'user',
      TEXTMAGIC_API_KEY: 'key',
    }
    expect(Object.keys(filled).sort()).toEqual(Object.keys(toFillIn).sort())
    expect(loadConfig({ ...filled, ...optional })).toEqual(loadConfig(filled))
  })
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
