/** Settings of the product that a sandbox takes over from its own environment; the gateways are always emulated. */
const TAKEN_OVER = [
  // Of DATABASE_URL and REDIS_URL, where those are set.
  'DATABASE_POOL_SIZE',
  'NODE_EXTRA_CA_CERTS',
  'BRAND_NAME',
  'LOG_LEVEL',
  'LATE_PAYMENT',
  'REVEAL_CONFIRM_MINUTES',
  'SWEEP_SECONDS',
  'BACKFILL_MINUTES',
  'QUIET_HOURS',
  'TEASER_FOOTER',
  'DEFAULT_TIME_ZONES',
  'RETENTION_DAYS',
  'TEXTMAGIC_RATE_PER_SECOND',
  'DEFAULT_PRICE_CENTS',
  'DEFAULT_CURRENCY',
  'DEFAULT_TTL_HOURS',
  'WORKER_CONCURRENCY',
  'CONSUMING_MINUTES',
  'METRICS_TOKEN',
]

/** What of a shell's environment is meant for the product as well; an empty variable is none. */
export function takenOver(env: NodeJS.ProcessEnv): Record<string, string> {
  const entries = TAKEN_OVER.map((name) => [name, env[name]] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => Boolean(entry[1])))
}
