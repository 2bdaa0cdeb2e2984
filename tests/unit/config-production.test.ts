import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ConfigError, configWarnings, loadConfig } from '../../src/config.ts'
import { newSandboxSecrets, sandboxEnvironment } from '../../src/sandbox/environment.ts'

const drawn = () => randomBytes(32).toString('hex')
const key = (bytes: Buffer) => `k1:${bytes.toString('base64')}`

const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://leads.test',
  DATABASE_URL: `postgresql://app:${drawn()}@db.internal/lead_unlock`,
  REDIS_URL: 'rediss://redis.internal',
  ADMIN_API_KEY: drawn(),
  OPERATOR_API_KEY: drawn(),
  STRIPE_SECRET_KEY: `rk_live_${drawn()}`,
  STRIPE_WEBHOOK_SECRET: `whsec_${drawn()},whsec_${drawn()}`,
  TEXTMAGIC_USERNAME: 'goldtouch',
  TEXTMAGIC_API_KEY: drawn(),
  TEXTMAGIC_WEBHOOK_TOKEN: drawn(),
  ENCRYPTION_KEYS: key(randomBytes(32)),
}

function errorOf(env: NodeJS.ProcessEnv): ConfigError | null {
  try {
    loadConfig(env)
    return null
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

const problemsOf = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries((errorOf(env)?.problems ?? []).map(({ variable, problem }) => [variable, problem]))

describe('production', () => {
  test('starts with secrets of its own, and also with a test-mode key, of which it warns', () => {
    expect(errorOf(PRODUCTION)).toBeNull()
    const testing = loadConfig({
      ...PRODUCTION,
      STRIPE_SECRET_KEY: `sk_test_${drawn()}`,
      PUBLIC_URL: 'http://leads.test',
    })
    const warnings = configWarnings(testing).join('\n')
    expect(warnings).toContain('STRIPE_SECRET_KEY is a key of the test mode')
    expect(warnings).toContain('PUBLIC_URL is not https')
  })

  test('does not start without the token of its SMS callbacks, or the signing secret of its payment events', () => {
    const { TEXTMAGIC_WEBHOOK_TOKEN: _token, STRIPE_WEBHOOK_SECRET: _secret, ...without } = PRODUCTION
    expect(problemsOf(without)).toEqual({ TEXTMAGIC_WEBHOOK_TOKEN: 'is missing', STRIPE_WEBHOOK_SECRET: 'is missing' })
  })

  test.each(['ADMIN_API_KEY', 'OPERATOR_API_KEY', 'METRICS_TOKEN', 'TEXTMAGIC_WEBHOOK_TOKEN'])(
    'says of %s how long it has to be, whatever is wrong with it',
    (variable) => {
      const expectedOf = (value: string) => errorOf({ ...PRODUCTION, [variable]: value })?.problems[0]?.expected
      const isNeeded = ['ADMIN_API_KEY', 'TEXTMAGIC_WEBHOOK_TOKEN'].includes(variable)
      for (const value of [...(isNeeded ? [''] : []), 'short', 'has a space in it', 'a7f3c9e1b5d8']) {
        expect(expectedOf(value)).toBe('at least 32 characters without spaces, drawn at random (openssl rand -hex 32)')
      }
    },
  )

  test.each([
    ['ADMIN_API_KEY', 'a7f3c9e1b5d8', 'is too short for production'],
    ['ADMIN_API_KEY', 'a'.repeat(64), 'can be guessed'],
    ['ADMIN_API_KEY', 'admin-key-for-tests-of-the-process', 'is a value of the sandbox or of an example'],
    ['OPERATOR_API_KEY', 'changeme-changeme-changeme-0123456', 'is a value of the sandbox or of an example'],
    ['TEXTMAGIC_WEBHOOK_TOKEN', 'webhook-token', 'is too short for production'],
    ['TEXTMAGIC_USERNAME', 'sandbox', 'is a value of the sandbox or of an example'],
    ['TEXTMAGIC_API_KEY', 'your-api-key', 'is a value of the sandbox or of an example'],
    ['STRIPE_SECRET_KEY', 'sk_test_xxxxxxxxxxxxxxxx', 'is a value of the sandbox or of an example'],
    ['STRIPE_WEBHOOK_SECRET', 'nothing-of-the-kind', 'is not a signing secret of Stripe'],
    ['STRIPE_WEBHOOK_SECRET', `whsec_${drawn()},whsec_example`, 'is a value of the sandbox or of an example'],
    ['ENCRYPTION_KEYS', key(Buffer.alloc(32)), 'holds a key that can be guessed'],
    [
      'ENCRYPTION_KEYS',
      `k2:${randomBytes(32).toString('base64')},${key(Buffer.alloc(32, 'ab'))}`,
      'holds a key that can be guessed',
    ],
    ['STRIPE_API_URL', 'http://api.stripe.com', 'is not encrypted (http)'],
    ['TEXTMAGIC_API_URL', 'HTTP://rest.textmagic.com', 'is not encrypted (http)'],
    ['DATABASE_URL', 'postgresql://lead_unlock:lead_unlock@db/lead_unlock', 'has a password that everybody tries'],
    ['DATABASE_URL', 'postgresql://app:Postgres@db/lead_unlock', 'has a password that everybody tries'],
    ['DATABASE_URL', 'postgresql://desk-app:desk-app@db/lead_unlock', 'has a password that everybody tries'],
  ])('does not start with %s=%s', (variable, value, problem) => {
    expect(problemsOf({ ...PRODUCTION, [variable]: value })).toEqual({ [variable]: problem })
    expect(problemsOf({ ...PRODUCTION, NODE_ENV: 'development', [variable]: value })).toEqual({})
  })

  test('takes none of the secrets that the sandbox draws', () => {
    const addresses = {
      databaseUrl: PRODUCTION.DATABASE_URL,
      redisUrl: PRODUCTION.REDIS_URL,
      apiPort: 3000,
      textmagicUrl: 'http://127.0.0.1:4000',
      stripeUrl: 'http://127.0.0.1:4001',
      fallbackUrl: 'http://127.0.0.1:4002/fallback',
      alertUrl: 'http://127.0.0.1:4002/alert',
    }
    const sandbox = sandboxEnvironment(addresses, newSandboxSecrets())
    expect(errorOf(sandbox)).toBeNull()
    expect(Object.keys(problemsOf({ ...sandbox, NODE_ENV: 'production' })).sort()).toEqual([
      'ADMIN_API_KEY',
      'ENCRYPTION_KEYS',
      'OPERATOR_API_KEY',
      'STRIPE_API_URL',
      'STRIPE_SECRET_KEY',
      'STRIPE_WEBHOOK_SECRET',
      'TEXTMAGIC_API_KEY',
      'TEXTMAGIC_API_URL',
      'TEXTMAGIC_USERNAME',
      'TEXTMAGIC_WEBHOOK_TOKEN',
    ])
  })

  test('is told of everything at once, each variable once, and without a value', () => {
    const broken = {
      ...PRODUCTION,
      PORT: 'hidden-port',
      DATABASE_URL: 'mysql://hidden:hidden@db',
      ADMIN_API_KEY: 'hidden-and-short',
      OPERATOR_API_KEY: 'hid',
      TEXTMAGIC_WEBHOOK_TOKEN: 'hidden token',
      STRIPE_API_URL: 'http://hidden.test',
    }
    const error = errorOf(broken)
    expect(problemsOf(broken)).toEqual({
      PORT: 'is malformed',
      DATABASE_URL: 'is malformed: it is not a postgresql:// URL',
      OPERATOR_API_KEY: 'is malformed',
      TEXTMAGIC_WEBHOOK_TOKEN: 'is malformed',
      ADMIN_API_KEY: 'is too short for production',
      STRIPE_API_URL: 'is not encrypted (http)',
    })
    expect(error?.problems).toHaveLength(6)
    expect(`${error?.stack}${JSON.stringify(error)}`).not.toContain('hid')
  })
})
