import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  ConfigError,
  configWarnings,
  loadConfig,
  loadDatabaseConfig,
  loadWorkerConfig,
  parseWorkerQueues,
} from '../../src/config.ts'

const KEY = Buffer.alloc(32, 1)
const CERTIFICATE = fileURLToPath(new URL('../fixtures/tls/ca.pem', import.meta.url))
const OLD_KEY = Buffer.alloc(32, 2)

const REQUIRED = {
  DATABASE_URL: 'postgresql://app:database-password@db.internal:5432/lead_unlock',
  REDIS_URL: 'redis://:redis-password@redis.internal:6379',
  ADMIN_API_KEY: 'admin-key-0123456789abcdef0123456789',
  STRIPE_SECRET_KEY: 'sk_test_stripesecret',
  STRIPE_WEBHOOK_SECRET: 'whsec_newest',
  TEXTMAGIC_USERNAME: 'textmagic-user',
  TEXTMAGIC_API_KEY: 'textmagic-key',
  ENCRYPTION_KEYS: `k1:${KEY.toString('base64')}`,
}

function problemsOf(env: NodeJS.ProcessEnv, load: (env: NodeJS.ProcessEnv) => unknown = loadConfig) {
  try {
    load(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return Object.fromEntries(error.problems.map(({ variable, problem }) => [variable, problem]))
  }
  return {}
}

describe('the configuration', () => {
  test('needs the required variables only, and has the documented defaults for the rest', () => {
    expect(loadConfig(REQUIRED)).toEqual({
      databaseUrl: REQUIRED.DATABASE_URL,
      production: false,
      databasePoolSize: null,
      redisUrl: REQUIRED.REDIS_URL,
      extraCertificates: [],
      port: 3000,
      publicUrl: 'http://localhost:3000',
      corsOrigins: [],
      trustedProxies: [],
      apiRatePerMinute: 6000,
      adminApiKey: REQUIRED.ADMIN_API_KEY,
      operatorApiKey: null,
      metricsToken: null,
      encryptionKeys: [{ id: 'k1', key: KEY }],
      stripe: {
        secretKey: REQUIRED.STRIPE_SECRET_KEY,
        webhookSecrets: ['whsec_newest'],
        apiUrl: 'https://api.stripe.com',
      },
      textmagic: {
        username: 'textmagic-user',
        apiKey: 'textmagic-key',
        fromNumber: null,
        apiUrl: 'https://rest.textmagic.com',
        webhookToken: null,
        ratePerSecond: 20,
      },
      fallbackSmsWebhookUrl: null,
      opsAlertWebhookUrl: null,
      latePayment: 'reveal',
      revealConfirmMinutes: 10,
      sweepSeconds: 30,
      backfillMinutes: 5,
      brandName: 'Gold Touch List',
      logLevel: 'info',
      quiet: {
        hours: { start: 21 * 60, end: 8 * 60 },
        zonesOfUnknown: ['America/New_York', 'Pacific/Honolulu'],
      },
      retentionDays: 180,
      teaserFooter: '',
      leadDefaults: { priceCents: 2000, currency: 'usd', ttlHours: 24 },
      worker: { concurrency: null, port: null, consumingMinutes: 5 },
    })
  })

  test('reads every variable that is set', () => {
    const config = loadConfig({
      ...REQUIRED,
      DATABASE_POOL_SIZE: '15',
      NODE_EXTRA_CA_CERTS: CERTIFICATE,
      PORT: '8080',
      PUBLIC_URL: 'https://leads.example.com/',
      CORS_ORIGINS: 'https://desk.example.com, http://localhost:5173',
      TRUST_PROXY: '10.0.0.0/8, ::1, uniquelocal',
      API_RATE_PER_MINUTE: '60',
      OPERATOR_API_KEY: 'operator-key-0123456789abcdef',
      METRICS_TOKEN: 'metrics-token',
      STRIPE_WEBHOOK_SECRET: 'whsec_newest, whsec_older',
      STRIPE_API_URL: 'http://127.0.0.1:4242/',
      TEXTMAGIC_FROM_NUMBER: '+18335550100',
      TEXTMAGIC_API_URL: 'http://127.0.0.1:4343',
      TEXTMAGIC_WEBHOOK_TOKEN: 'webhook-token',
      TEXTMAGIC_RATE_PER_SECOND: '50',
      ENCRYPTION_KEYS: `k2:${KEY.toString('base64')}, k1:${OLD_KEY.toString('base64url')}`,
      FALLBACK_SMS_WEBHOOK_URL: 'https://booking.example.com/sms?key=1',
      OPS_ALERT_WEBHOOK_URL: 'https://alerts.example.com/hook',
      LATE_PAYMENT: 'refund',
      REVEAL_CONFIRM_MINUTES: '0.5',
      SWEEP_SECONDS: '1',
      BACKFILL_MINUTES: '2.5',
      BRAND_NAME: 'Silver Touch',
      LOG_LEVEL: 'debug',
      QUIET_HOURS: 'off',
      RETENTION_DAYS: '0',
      TEASER_FOOTER: ' Reply STOP to opt out. ',
      DEFAULT_TIME_ZONES: 'Europe/London, Europe/Berlin,Europe/London',
      DEFAULT_PRICE_CENTS: '1250',
      DEFAULT_CURRENCY: 'eur',
      DEFAULT_TTL_HOURS: '0.25',
      WORKER_QUEUES: 'reveal, handle-payment',
      WORKER_CONCURRENCY: '4',
      WORKER_PORT: '9464',
      CONSUMING_MINUTES: '2.5',
    })
    expect(config).toMatchObject({
      databasePoolSize: 15,
      extraCertificates: [expect.stringMatching(/^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----$/)],
      port: 8080,
      publicUrl: 'https://leads.example.com',
      corsOrigins: ['https://desk.example.com', 'http://localhost:5173'],
      trustedProxies: ['10.0.0.0/8', '::1', 'uniquelocal'],
      apiRatePerMinute: 60,
      operatorApiKey: 'operator-key-0123456789abcdef',
      metricsToken: 'metrics-token',
      stripe: { webhookSecrets: ['whsec_newest', 'whsec_older'], apiUrl: 'http://127.0.0.1:4242' },
      textmagic: {
        fromNumber: '18335550100',
        apiUrl: 'http://127.0.0.1:4343',
        webhookToken: 'webhook-token',
        ratePerSecond: 50,
      },
      encryptionKeys: [
        { id: 'k2', key: KEY },
        { id: 'k1', key: OLD_KEY },
      ],
      fallbackSmsWebhookUrl: 'https://booking.example.com/sms?key=1',
      opsAlertWebhookUrl: 'https://alerts.example.com/hook',
      latePayment: 'refund',
      revealConfirmMinutes: 0.5,
      sweepSeconds: 1,
      backfillMinutes: 2.5,
      brandName: 'Silver Touch',
      logLevel: 'debug',
      retentionDays: 0,
      teaserFooter: 'Reply STOP to opt out.',
      quiet: { hours: null, zonesOfUnknown: ['Europe/London', 'Europe/Berlin'] },
      leadDefaults: { priceCents: 1250, currency: 'eur', ttlHours: 0.25 },
      worker: { concurrency: 4, port: 9464, consumingMinutes: 2.5 },
    })
  })

  test('of the migrate process needs the database only, and ignores what is not its own', () => {
    const env = { DATABASE_URL: REQUIRED.DATABASE_URL, PORT: 'not a port' }
    expect(loadDatabaseConfig(env)).toEqual({
      databaseUrl: REQUIRED.DATABASE_URL,
      extraCertificates: [],
      logLevel: 'info',
    })
    expect(() => loadDatabaseConfig({})).toThrow(/^1 problem in the environment:\n {2}DATABASE_URL is missing/)
  })

  test.each([
    ['api', loadConfig],
    ['worker', (env: NodeJS.ProcessEnv) => loadWorkerConfig(env, ['expire'])],
  ] as const)('of the %s process names every missing variable at once', (_process, load) => {
    expect(problemsOf({}, load)).toEqual(
      Object.fromEntries(Object.keys(REQUIRED).map((variable) => [variable, 'is missing'])),
    )
  })

  test('takes an empty value, or one of spaces, for a missing one', () => {
    expect(problemsOf({ ...REQUIRED, REDIS_URL: '', STRIPE_SECRET_KEY: ' \n' })).toEqual({
      REDIS_URL: 'is missing',
      STRIPE_SECRET_KEY: 'is missing',
    })
    expect(loadConfig({ ...REQUIRED, PORT: '', OPERATOR_API_KEY: '' })).toMatchObject({
      port: 3000,
      operatorApiKey: null,
    })
  })

  test('drops the line break that a secret file leaves at the end of a value', () => {
    expect(loadConfig({ ...REQUIRED, TEXTMAGIC_API_KEY: 'textmagic-key\n' }).textmagic.apiKey).toBe('textmagic-key')
  })
})

describe('a malformed variable stops the process:', () => {
  test.each([
    ['DATABASE_POOL_SIZE', '0'],
    ['PORT', '65536'],
    ['PORT', '3000.5'],
    ['PORT', '0x1F'],
    ['PORT', '-1'],
    ['PORT', '3e3'],
    ['PUBLIC_URL', 'leads.example.com'],
    ['PUBLIC_URL', 'https://leads.example.com/?a=b'],
    ['TRUST_PROXY', '10.0.0.0/8/16'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '1'],
    ['TRUST_PROXY', '0.0.0.0/0'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', 'proxy.internal'],
    ['API_RATE_PER_MINUTE', '0'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'https://desk.example.com/'],
    ['CORS_ORIGINS', 'https://desk.example.com,'],
    ['CORS_ORIGINS', 'null'],
    ['ADMIN_API_KEY', 'short'],
    ['ADMIN_API_KEY', 'two words of some length'],
    ['OPERATOR_API_KEY', 'short'],
    ['METRICS_TOKEN', 'two words'],
    ['WORKER_PORT', '65536'],
    ['CONSUMING_MINUTES', '0'],
    ['STRIPE_SECRET_KEY', 'pk_test_publishable'],
    ['STRIPE_SECRET_KEY', 'whsec_notthis'],
    ['STRIPE_WEBHOOK_SECRET', 'sk_test_notthis'],
    ['STRIPE_WEBHOOK_SECRET', 'whsec_one,,whsec_two'],
    ['STRIPE_API_URL', 'ftp://api.stripe.com'],
    ['STRIPE_API_URL', 'https://user:password@api.stripe.com'],
    ['STRIPE_API_URL', 'https://api.stripe.com/v1'],
    ['TEXTMAGIC_USERNAME', 'two words'],
    ['TEXTMAGIC_API_KEY', 'clé'],
    ['TEXTMAGIC_FROM_NUMBER', 'GOLD'],
    ['TEXTMAGIC_API_URL', 'rest.textmagic.com'],
    ['TEXTMAGIC_WEBHOOK_TOKEN', 'two words'],
    ['TEXTMAGIC_RATE_PER_SECOND', '0'],
    ['TEXTMAGIC_RATE_PER_SECOND', '2.5'],
    ['ENCRYPTION_KEYS', KEY.toString('base64')],
    ['ENCRYPTION_KEYS', `k1:${Buffer.alloc(31).toString('base64')}`],
    ['ENCRYPTION_KEYS', `k1:${Buffer.alloc(33).toString('base64')}`],
    // With one = at its end, as a key of 32 bytes has.
    ['ENCRYPTION_KEYS', `k1:${Buffer.alloc(29).toString('base64')}`],
    ['ENCRYPTION_KEYS', `k1:${Buffer.alloc(35).toString('base64')}`],
    ['ENCRYPTION_KEYS', `k1:${KEY.toString('hex')}`],
    ['ENCRYPTION_KEYS', `k.1:${KEY.toString('base64')}`],
    ['ENCRYPTION_KEYS', `k1:${KEY.toString('base64')},k1:${OLD_KEY.toString('base64')}`],
    ['ENCRYPTION_KEYS', `k1:${KEY.toString('base64')},`],
    ['FALLBACK_SMS_WEBHOOK_URL', 'booking'],
    ['FALLBACK_SMS_WEBHOOK_URL', 'https://user:password@booking.example.com'],
    ['OPS_ALERT_WEBHOOK_URL', 'alerts'],
    ['LATE_PAYMENT', 'keep'],
    ['REVEAL_CONFIRM_MINUTES', '0'],
    ['REVEAL_CONFIRM_MINUTES', 'ten'],
    ['SWEEP_SECONDS', '0'],
    ['BACKFILL_MINUTES', '5m'],
    ['BRAND_NAME', 'two\nlines'],
    ['BRAND_NAME', 'x'.repeat(61)],
    ['LOG_LEVEL', 'verbose'],
    ['QUIET_HOURS', '9pm-8am'],
    ['QUIET_HOURS', '21:00-21:00'],
    ['RETENTION_DAYS', '-1'],
    ['RETENTION_DAYS', '0.5'],
    ['TEASER_FOOTER', 'two\nlines'],
    ['TEASER_FOOTER', 'x'.repeat(101)],
    ['DEFAULT_TIME_ZONES', 'EST5'],
    ['DEFAULT_TIME_ZONES', 'America/New_York,'],
    ['DEFAULT_PRICE_CENTS', '20.50'],
    ['DEFAULT_PRICE_CENTS', '$20'],
    ['DEFAULT_CURRENCY', 'USD'],
    ['DEFAULT_CURRENCY', 'xyz'],
    ['DEFAULT_TTL_HOURS', '0'],
    ['DEFAULT_TTL_HOURS', 'Infinity'],
    ['WORKER_QUEUES', 'reveal;expire'],
    ['WORKER_CONCURRENCY', '0'],
  ])('%s=%s', (variable, value) => {
    expect(problemsOf({ ...REQUIRED, [variable]: value })).toEqual({ [variable]: 'is malformed' })
  })

  test.each([
    ['DATABASE_URL', 'mysql://db/lead_unlock', 'it is not a postgresql:// URL'],
    ['DATABASE_URL', 'postgresql://db/lead_unlock?sslmode=prefer', 'sslmode allow and prefer may end up unencrypted'],
    ['REDIS_URL', 'redis://', 'a host is missing'],
    ['REDIS_URL', 'redis+sentinel://redis.internal', 'after the Sentinels belongs /<name of the master>'],
    ['NODE_EXTRA_CA_CERTS', '/nowhere.pem', 'the file cannot be read'],
    ['NODE_EXTRA_CA_CERTS', import.meta.filename, 'the file holds no certificate'],
  ])('%s=%s, and says why', (variable, value, why) => {
    const { [variable]: problem } = problemsOf({ ...REQUIRED, [variable]: value })
    expect(problem).toContain(`is malformed: ${why}`)
    expect(problem).not.toContain(value)
  })

  test('a price that Stripe refuses in that currency', () => {
    expect(problemsOf({ ...REQUIRED, DEFAULT_PRICE_CENTS: '49' })).toEqual({
      DEFAULT_PRICE_CENTS: 'must be at least 50 ($0.50)',
    })
  })

  test('zones of which one is always quiet, so that no offer would ever go out', () => {
    const zones = { DEFAULT_TIME_ZONES: 'Europe/London,Asia/Shanghai,America/Los_Angeles' }
    expect(problemsOf({ ...REQUIRED, ...zones })).toEqual({
      DEFAULT_TIME_ZONES: 'leaves no time to send an offer',
    })
    expect(problemsOf({ ...REQUIRED, ...zones, QUIET_HOURS: 'off' })).toEqual({})
  })

  test('one key for admins and operators', () => {
    expect(problemsOf({ ...REQUIRED, OPERATOR_API_KEY: REQUIRED.ADMIN_API_KEY })).toEqual({
      OPERATOR_API_KEY: 'is the same as ADMIN_API_KEY',
    })
  })

  test('the key of an admin or an operator for whoever collects metrics', () => {
    const keys = { ...REQUIRED, OPERATOR_API_KEY: 'operator-key-0123456789abcdef' }
    for (const name of ['ADMIN_API_KEY', 'OPERATOR_API_KEY'] as const) {
      expect(problemsOf({ ...keys, METRICS_TOKEN: keys[name] })).toEqual({ METRICS_TOKEN: `is the same as ${name}` })
    }
    expect(problemsOf({ ...keys, METRICS_TOKEN: 'metrics-token-0123456789abcdef' })).toEqual({})
  })
})

describe('the message of a configuration error', () => {
  const BROKEN = {
    ...REQUIRED,
    DATABASE_URL: 'mysql://app:database-password@db.internal/lead_unlock',
    REDIS_URL: undefined,
    ADMIN_API_KEY: 'admin key with spaces',
    STRIPE_SECRET_KEY: 'pk_live_abc',
    ENCRYPTION_KEYS: 'c2VjcmV0LWtleS1tYXRlcmlhbA==',
    PORT: 'sk_live_pasted_into_the_wrong_line',
    DEFAULT_PRICE_CENTS: '10',
  }

  test('lists every problem with the name of the variable and what belongs there', () => {
    const { message } = errorOf(BROKEN)
    expect(message).toMatch(/^7 problems in the environment:\n/)
    expect(message).toContain('\n  REDIS_URL is missing; expected a Redis URL, such as redis://host:6379')
    expect(message).toContain('\n  PORT is malformed; expected a port number')
    expect(message).toContain('\n  DEFAULT_PRICE_CENTS must be at least 50')
    expect(message.split('\n')).toHaveLength(8)
  })

  test.each([
    ['API_RATE_PER_MINUTE', '1000001', '1000000'],
    ['DATABASE_POOL_SIZE', '1001', '1000'],
    ['SWEEP_SECONDS', '3601', '3600'],
    ['RETENTION_DAYS', '36501', '36500'],
  ])('says of %s=%s how much it may be', (variable, value, most) => {
    expect(errorOf({ ...REQUIRED, [variable]: value }).problems[0]?.expected).toContain(` ${most}`)
  })

  test('never shows a value, in whichever line a secret was pasted', () => {
    const shown = JSON.stringify(errorOf(BROKEN)) + errorOf(BROKEN).stack
    for (const value of Object.values(BROKEN))
      if (value !== undefined && value.length > 2) expect(shown).not.toContain(value)
    expect(shown).not.toContain('database-password')
  })

  function errorOf(env: NodeJS.ProcessEnv): ConfigError {
    try {
      loadConfig(env)
    } catch (error) {
      if (error instanceof ConfigError) return error
      throw error
    }
    throw new Error('the configuration was accepted')
  }
})

describe('the queues of a worker process', () => {
  const KNOWN = ['send-teaser', 'reveal', 'expire'] as const

  test('are all of them by default', () => {
    expect(parseWorkerQueues('all', KNOWN)).toEqual(KNOWN)
  })

  test('are the named ones, each once', () => {
    expect(parseWorkerQueues('expire, reveal,expire', KNOWN)).toEqual(['reveal', 'expire'])
  })

  test.each(['refund', 'reveal,refund', 'all,reveal', ''])('may not be %j', (value) => {
    expect(() => parseWorkerQueues(value, KNOWN)).toThrow(
      'WORKER_QUEUES names a queue that does not exist; expected all, or some of send-teaser, reveal, expire',
    )
  })

  test.each([
    ['refund', 'WORKER_QUEUES names a queue that does not exist'],
    ['reveal;expire', 'WORKER_QUEUES is malformed'],
  ])('that are %j are refused together with everything else that is wrong, once', (queues, problem) => {
    const load = () => loadWorkerConfig({ ...REQUIRED, PORT: 'x', WORKER_QUEUES: queues }, KNOWN)
    expect(load).toThrow(/^2 problems/)
    expect(load).toThrow('PORT is malformed')
    expect(load).toThrow(problem)
  })

  test('come with the settings', () => {
    const { config, queues } = loadWorkerConfig({ ...REQUIRED, WORKER_QUEUES: 'expire' }, KNOWN)
    expect(queues).toEqual(['expire'])
    expect(config.port).toBe(3000)
  })
})

describe('the warnings about a configuration that works', () => {
  test('are none when it is fit for production', () => {
    const config = loadConfig({
      ...REQUIRED,
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://leads.test',
      STRIPE_SECRET_KEY: 'sk_live_0123456789abcdef',
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      TEXTMAGIC_WEBHOOK_TOKEN: 'token-0123456789abcdef0123456789',
      OPS_ALERT_WEBHOOK_URL: 'https://alerts.example.com/hook',
    })
    expect(configWarnings(config)).toEqual([])
  })

  test('name what is risky, and hold no value', () => {
    const warnings = configWarnings(
      loadConfig({
        ...REQUIRED,
        DATABASE_URL: 'postgresql://db/lead_unlock?sslmode=no-verify',
        ADMIN_API_KEY: 'guessable',
        STRIPE_API_URL: 'http://127.0.0.1:4242',
        TEXTMAGIC_RATE_PER_SECOND: '200',
        TEASER_FOOTER: 'Reply STOP – any time',
      }),
    ).join('\n')
    expect(warnings).toContain('TEXTMAGIC_WEBHOOK_TOKEN is not set')
    expect(warnings).toContain('DATABASE_URL says sslmode=no-verify')
    expect(warnings).toContain('ADMIN_API_KEY is short')
    expect(warnings).toContain('STRIPE_API_URL is not encrypted')
    expect(warnings).toContain('TEXTMAGIC_RATE_PER_SECOND is above')
    expect(warnings).toContain('TEASER_FOOTER has a character outside GSM-7')
    expect(warnings).toContain('OPS_ALERT_WEBHOOK_URL is not set')
    expect(warnings).toContain('NODE_ENV is not production')
    expect(warnings).not.toContain('guessable')
  })

  test.each([
    ['lYp+8Tt1v0sQ/ZQkq3nXJ2mWc5b7d9fA', true],
    ['lYp%8Tt1v0sQ&ZQkq3nXJ2mWc5b7d9fA', true],
    ['lYp-8Tt1v0sQ/ZQkq3nXJ2mWc5b7d9f=', false],
  ])('say that a token such as %s does not go into a URL as it is: %s', (token, isWarned) => {
    const warnings = configWarnings(loadConfig({ ...REQUIRED, TEXTMAGIC_WEBHOOK_TOKEN: token })).join('\n')
    expect(warnings.includes('TEXTMAGIC_WEBHOOK_TOKEN has characters that mean something else in a URL')).toBe(isWarned)
    expect(warnings).not.toContain(token)
  })
})
