import type { Static } from 'typebox'
import { readCertificates } from './config/certificates.ts'
import { type EncryptionKey, parseEncryptionKeys } from './config/encryption-keys.ts'
import { ConfigError, type ConfigProblem } from './config/error.ts'
import { splitList } from './config/list.ts'
import { DatabaseEnvironment, QueuesEnvironment, RotateEnvironment, readEnvironment } from './config/read.ts'
import { withoutTrailingSlash } from './config/urls.ts'
import { Environment } from './config/variables.ts'
import { parseWorkerQueues } from './config/worker-queues.ts'
import { parseQuietHours, parseTimeZones, type QuietPolicy } from './domain/quiet-hours.ts'

export { ConfigError } from './config/error.ts'
export { configWarnings } from './config/warnings.ts'
export { parseWorkerQueues } from './config/worker-queues.ts'

/** What a process needs that works on the database alone: migrating, and the keys of the API. */
export type DatabaseConfig = {
  databaseUrl: string
  /** In PEM: authorities to trust beside the ones everybody does. */
  extraCertificates: string[]
  logLevel: Environment['LOG_LEVEL']
}

/** What sealing anew needs: the keys newest first, at least one. */
export type RotateConfig = DatabaseConfig & { encryptionKeys: EncryptionKey[] }

/**
 * The settings of the API and of the workers. Both need them all: a deployment that forgot one fails at its start, not
 * when the first job that needs it comes along. Null means not set.
 */
export type Config = DatabaseConfig & {
  /** NODE_ENV=production: what only a laptop may do was refused. */
  production: boolean
  /** Connections to Postgres of one process at most; null leaves it to the kind of process. */
  databasePoolSize: number | null
  redisUrl: string
  port: number
  /** URLs end without a slash. */
  publicUrl: string
  corsOrigins: string[]
  trustedProxies: string[]
  apiRatePerMinute: number
  adminApiKey: string
  operatorApiKey: string | null
  /** Opens /metrics and nothing else. */
  metricsToken: string | null
  /** Newest first, at least one. */
  encryptionKeys: EncryptionKey[]
  stripe: { secretKey: string; webhookSecrets: string[]; apiUrl: string }
  textmagic: {
    username: string
    apiKey: string
    /** Digits only, as TextMagic takes it. */
    fromNumber: string | null
    apiUrl: string
    webhookToken: string | null
    /** Over all processes together. */
    ratePerSecond: number
  }
  fallbackSmsWebhookUrl: string | null
  opsAlertWebhookUrl: string | null
  latePayment: Environment['LATE_PAYMENT']
  revealConfirmMinutes: number
  sweepSeconds: number
  backfillMinutes: number
  brandName: string
  quiet: QuietPolicy
  /** 0 keeps contact details for ever. */
  retentionDays: number
  /** Empty for none. */
  teaserFooter: string
  /** For leads posted without a `config` of their own. */
  leadDefaults: { priceCents: number; currency: string; ttlHours: number }
  /** Which queues a worker serves is read with their names: `loadWorkerConfig`. */
  worker: {
    /** Null leaves it to each job's contract. */
    concurrency: number | null
    /** Where a worker answers about its health; null when it does not listen. */
    port: number | null
    /** How long jobs may wait that a worker does not touch. */
    consumingMinutes: number
  }
}

/**
 * Reads and checks the environment, once, at the start of a process.
 * @param env usually `process.env`.
 * @throws {ConfigError} with everything that is missing or malformed.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  return toConfig(readEnvironment(Environment, env))
}

/** The same for a process that works on the database alone: nothing else has to be set. */
export function loadDatabaseConfig(env: NodeJS.ProcessEnv): DatabaseConfig {
  return toDatabaseConfig(readEnvironment(DatabaseEnvironment, env))
}

/** The same for sealing anew. */
export function loadRotateConfig(env: NodeJS.ProcessEnv): RotateConfig {
  const values = readEnvironment(RotateEnvironment, env)
  return { ...toDatabaseConfig(values), encryptionKeys: parseEncryptionKeys(values.ENCRYPTION_KEYS) }
}

/**
 * What a worker starts with: its settings, and the queues it serves.
 * @param known the names of all queues.
 * @throws {ConfigError} with everything that is missing or malformed, a queue that does not exist included.
 */
export function loadWorkerConfig<Queue extends string>(
  env: NodeJS.ProcessEnv,
  known: readonly Queue[],
): { config: Config; queues: Queue[] } {
  const problems: ConfigProblem[] = []
  const queues = orProblems(problems, () =>
    parseWorkerQueues(readEnvironment(QueuesEnvironment, env).WORKER_QUEUES, known),
  )
  const config = orProblems(problems, () => loadConfig(env))
  if (config === undefined || queues === undefined) throw new ConfigError(problems)
  return { config, queues }
}

/** What `read` returns; undefined, with its problems added to those found before, each variable once, when it fails. */
function orProblems<T>(problems: ConfigProblem[], read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const reported = new Set(problems.map(({ variable }) => variable))
    problems.push(...error.problems.filter(({ variable }) => !reported.has(variable)))
    return undefined
  }
}

function toDatabaseConfig(env: Static<typeof DatabaseEnvironment>): DatabaseConfig {
  return {
    databaseUrl: env.DATABASE_URL,
    extraCertificates: env.NODE_EXTRA_CA_CERTS === undefined ? [] : readCertificates(env.NODE_EXTRA_CA_CERTS),
    logLevel: env.LOG_LEVEL,
  }
}

function toConfig(env: Environment): Config {
  return {
    production: env.NODE_ENV === 'production',
    ...toDatabaseConfig(env),
    databasePoolSize: env.DATABASE_POOL_SIZE ?? null,
    redisUrl: env.REDIS_URL,
    port: env.PORT,
    publicUrl: withoutTrailingSlash(env.PUBLIC_URL ?? `http://localhost:${env.PORT}`),
    corsOrigins: env.CORS_ORIGINS === undefined ? [] : splitList(env.CORS_ORIGINS),
    trustedProxies: env.TRUST_PROXY === undefined ? [] : splitList(env.TRUST_PROXY),
    apiRatePerMinute: env.API_RATE_PER_MINUTE,
    adminApiKey: env.ADMIN_API_KEY,
    operatorApiKey: env.OPERATOR_API_KEY ?? null,
    metricsToken: env.METRICS_TOKEN ?? null,
    encryptionKeys: parseEncryptionKeys(env.ENCRYPTION_KEYS),
    stripe: {
      secretKey: env.STRIPE_SECRET_KEY,
      webhookSecrets: splitList(env.STRIPE_WEBHOOK_SECRET),
      apiUrl: withoutTrailingSlash(env.STRIPE_API_URL),
    },
    textmagic: {
      username: env.TEXTMAGIC_USERNAME,
      apiKey: env.TEXTMAGIC_API_KEY,
      fromNumber: env.TEXTMAGIC_FROM_NUMBER?.replace('+', '') ?? null,
      apiUrl: withoutTrailingSlash(env.TEXTMAGIC_API_URL),
      webhookToken: env.TEXTMAGIC_WEBHOOK_TOKEN ?? null,
      ratePerSecond: env.TEXTMAGIC_RATE_PER_SECOND,
    },
    fallbackSmsWebhookUrl: env.FALLBACK_SMS_WEBHOOK_URL ?? null,
    opsAlertWebhookUrl: env.OPS_ALERT_WEBHOOK_URL ?? null,
    latePayment: env.LATE_PAYMENT,
    revealConfirmMinutes: env.REVEAL_CONFIRM_MINUTES,
    sweepSeconds: env.SWEEP_SECONDS,
    backfillMinutes: env.BACKFILL_MINUTES,
    brandName: env.BRAND_NAME,
    quiet: { hours: parseQuietHours(env.QUIET_HOURS), zonesOfUnknown: parseTimeZones(env.DEFAULT_TIME_ZONES) },
    retentionDays: env.RETENTION_DAYS,
    teaserFooter: env.TEASER_FOOTER ?? '',
    leadDefaults: {
      priceCents: env.DEFAULT_PRICE_CENTS,
      currency: env.DEFAULT_CURRENCY,
      ttlHours: env.DEFAULT_TTL_HOURS,
    },
    worker: {
      concurrency: env.WORKER_CONCURRENCY ?? null,
      port: env.WORKER_PORT ?? null,
      consumingMinutes: env.CONSUMING_MINUTES,
    },
  }
}
