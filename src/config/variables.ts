import Type from 'typebox'
import { parseDatabaseUrl } from '../database-url.ts'
import { isSupportedCurrency, MAXIMUM_CHARGE } from '../domain/money.ts'
import { parseQuietHours, parseTimeZones } from '../domain/quiet-hours.ts'
import { parseRedisUrl } from '../redis-url.ts'
import { readCertificates } from './certificates.ts'
import { parseEncryptionKeys } from './encryption-keys.ts'
import { splitList } from './list.ts'
import { isNetwork } from './networks.ts'
import { isBaseUrl, isHostUrl, isHttpUrl, isOrigin } from './urls.ts'

/** Pino's levels, and the one that switches the log off. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The documented rate is 20 a second; a test bench against the emulator may go beyond. */
const MAXIMUM_RATE = 1000
const MOST_CALLS = 1_000_000
const A_CENTURY_IN_DAYS = 36_500
const A_YEAR_IN_HOURS = 8760
const A_WEEK_IN_MINUTES = 10_080
/** Without it a key could be guessed even though failed attempts are rate limited. */
const KEY_LENGTH = 8

/** Secrets travel in headers and URLs: visible ASCII. */
const VISIBLE = '[\\x21-\\x7e]+'

/** A refinement that says no more than that the value does not fit. */
export const NO_EXPLANATION = ''

const { Integer, Number: Decimal, Optional } = Type

/**
 * Every variable the product reads (docs/configuration.md). The description completes the sentence "expected …" when a
 * variable is missing or does not fit, so it says what belongs there and how to come by it.
 */
export const Environment = Type.Object({
  NODE_ENV: Type.String({
    pattern: '^[\\w.-]{1,40}$',
    default: 'development',
    description: 'production, or another word such as development',
  }),
  DATABASE_URL: explained(
    parseDatabaseUrl,
    'a Postgres URL, such as postgresql://user:password@host:5432/lead_unlock?sslmode=verify-full',
  ),
  DATABASE_POOL_SIZE: Optional(Integer({ minimum: 1, maximum: 1000, description: 'a whole number from 1 to 1000' })),
  REDIS_URL: explained(
    parseRedisUrl,
    'a Redis URL, such as redis://host:6379, redis+cluster://host:6379,host:6379 or redis+sentinel://host:26379/master',
  ),
  NODE_EXTRA_CA_CERTS: Optional(explained(readCertificates, 'the path of a PEM file with certificates to trust')),
  PORT: Integer({ minimum: 0, maximum: 65_535, default: 3000, description: 'a port number, 0 to 65535' }),
  PUBLIC_URL: Optional(checked(isBaseUrl, 'the http(s) URL under which this API is reached, without a query')),
  CORS_ORIGINS: Optional(
    checked(isOriginList, 'origins such as https://desk.example.com, without a path, separated by commas'),
  ),
  TRUST_PROXY: Optional(
    checked(
      isNetworkList,
      'addresses or networks of our own proxies, such as 10.0.0.0/8, separated by commas; also loopback, linklocal, uniquelocal',
    ),
  ),
  API_RATE_PER_MINUTE: Integer({
    minimum: 1,
    maximum: MOST_CALLS,
    default: 6000,
    description: `a whole number of calls from 1 to ${MOST_CALLS}`,
  }),
  ADMIN_API_KEY: apiKey(),
  OPERATOR_API_KEY: Optional(apiKey()),
  METRICS_TOKEN: Optional(apiKey()),
  STRIPE_SECRET_KEY: secret("Stripe's secret or restricted key (sk_… or rk_…)", `^(?!pk_|whsec_)${VISIBLE}$`),
  STRIPE_WEBHOOK_SECRET: checked(
    isWebhookSecretList,
    "the signing secret of Stripe's webhook endpoint (whsec_…); while rolling, both, separated by a comma",
  ),
  STRIPE_API_URL: checked(
    isHostUrl,
    "an http(s) URL without user name, password, path and query: the paths are Stripe's",
    'https://api.stripe.com',
  ),
  TEXTMAGIC_USERNAME: secret("TextMagic's user name"),
  TEXTMAGIC_API_KEY: secret("TextMagic's API key"),
  TEXTMAGIC_FROM_NUMBER: Optional(
    Type.String({ pattern: '^\\+?[0-9]{3,15}$', description: 'a phone number in digits, with its country code' }),
  ),
  TEXTMAGIC_API_URL: baseUrl('https://rest.textmagic.com'),
  TEXTMAGIC_WEBHOOK_TOKEN: Optional(secret('a token without spaces')),
  TEXTMAGIC_RATE_PER_SECOND: Integer({
    minimum: 1,
    maximum: MAXIMUM_RATE,
    default: 20,
    description: `a whole number from 1 to ${MAXIMUM_RATE}`,
  }),
  ENCRYPTION_KEYS: checked(
    readableBy(parseEncryptionKeys),
    'id:base64, newest first, separated by commas; each id once, each key 32 bytes (openssl rand -base64 32)',
  ),
  FALLBACK_SMS_WEBHOOK_URL: Optional(checked(isHttpUrl, 'an http(s) URL without user name or password')),
  OPS_ALERT_WEBHOOK_URL: Optional(checked(isHttpUrl, 'an http(s) URL without user name or password')),
  LATE_PAYMENT: Type.Enum(['reveal', 'refund'], { default: 'reveal', description: 'reveal or refund' }),
  REVEAL_CONFIRM_MINUTES: Decimal({
    exclusiveMinimum: 0,
    maximum: A_WEEK_IN_MINUTES,
    default: 10,
    description: `minutes, more than 0 and at most ${A_WEEK_IN_MINUTES}`,
  }),
  SWEEP_SECONDS: Decimal({ minimum: 0.1, maximum: 3600, default: 30, description: 'seconds, from 0.1 to 3600' }),
  BACKFILL_MINUTES: Decimal({ minimum: 0.01, maximum: 1440, default: 5, description: 'minutes, from 0.01 to 1440' }),
  BRAND_NAME: Type.String({
    pattern: '^\\P{Cc}{1,60}$',
    default: 'Gold Touch List',
    description: 'a name of 1 to 60 characters on one line',
  }),
  LOG_LEVEL: Type.Enum(LOG_LEVELS, { default: 'info', description: `one of ${LOG_LEVELS.join(', ')}` }),
  QUIET_HOURS: checked(readableBy(parseQuietHours), 'hours such as 21:00-08:00, or off', '21:00-08:00'),
  TEASER_FOOTER: Optional(
    Type.String({ pattern: '^\\P{Cc}{1,100}$', description: 'a text of 1 to 100 characters on one line' }),
  ),
  DEFAULT_TIME_ZONES: checked(
    readableBy(parseTimeZones),
    'IANA names of time zones, separated by commas, such as America/New_York,America/Los_Angeles',
    // The ends of the fifty states: a text that is lawful in both is lawful in between.
    'America/New_York,Pacific/Honolulu',
  ),
  RETENTION_DAYS: Integer({
    minimum: 0,
    maximum: A_CENTURY_IN_DAYS,
    default: 180,
    description: `a whole number of days, at most ${A_CENTURY_IN_DAYS}; 0 keeps them for ever`,
  }),
  DEFAULT_PRICE_CENTS: Integer({
    minimum: 1,
    maximum: MAXIMUM_CHARGE,
    default: 2000,
    description: "a price in the currency's smallest unit that Stripe takes",
  }),
  DEFAULT_CURRENCY: checked(isSupportedCurrency, 'a lower-case currency code that Stripe takes, such as usd', 'usd'),
  DEFAULT_TTL_HOURS: Decimal({
    exclusiveMinimum: 0,
    maximum: A_YEAR_IN_HOURS,
    default: 24,
    description: `hours, more than 0 and at most ${A_YEAR_IN_HOURS}`,
  }),
  WORKER_QUEUES: Type.String({
    pattern: '^[a-z][a-z0-9-]*(\\s*,\\s*[a-z][a-z0-9-]*)*$',
    default: 'all',
    description: 'all, or names of queues separated by commas',
  }),
  WORKER_CONCURRENCY: Optional(Integer({ minimum: 1, maximum: 1000, description: 'a whole number from 1 to 1000' })),
  WORKER_PORT: Optional(Integer({ minimum: 0, maximum: 65_535, description: 'a port number, 0 to 65535' })),
  CONSUMING_MINUTES: Decimal({ minimum: 0.01, maximum: 1440, default: 5, description: 'minutes, from 0.01 to 1440' }),
})
export type Environment = Type.Static<typeof Environment>

function checked(check: (value: string) => boolean, description: string, fallback?: string) {
  const options = fallback === undefined ? { description } : { description, default: fallback }
  return Type.Refine(Type.String(options), check, () => NO_EXPLANATION)
}

/** A value that `parse` reads, or throws a RangeError that says what is wrong without holding any of it. */
function explained(parse: (value: string) => unknown, description: string) {
  const problem = problemOf(parse)
  return Type.Refine(
    Type.String({ description }),
    (value) => problem(value) === null,
    (value) => problem(value) ?? NO_EXPLANATION,
  )
}

function baseUrl(fallback: string) {
  return checked(isBaseUrl, 'an http(s) URL without user name, password and query', fallback)
}

function secret(description: string, pattern = `^${VISIBLE}$`) {
  return Type.String({ pattern, description })
}

function apiKey() {
  return Type.String({
    pattern: `^[\\x21-\\x7e]{${KEY_LENGTH},}$`,
    description: `a key of at least ${KEY_LENGTH} characters without spaces (openssl rand -hex 32)`,
  })
}

function isOriginList(value: string): boolean {
  return splitList(value).every(isOrigin)
}

function isNetworkList(value: string): boolean {
  return splitList(value).every(isNetwork)
}

function isWebhookSecretList(value: string): boolean {
  return splitList(value).every((entry) => /^(?!sk_|rk_|pk_)[\x21-\x7e]+$/.test(entry))
}

function readableBy(parse: (value: string) => unknown): (value: string) => boolean {
  const problem = problemOf(parse)
  return (value) => problem(value) === null
}

function problemOf(parse: (value: string) => unknown): (value: string) => string | null {
  return (value) => {
    try {
      parse(value)
      return null
    } catch (error) {
      if (error instanceof RangeError) return error.message
      throw error
    }
  }
}
