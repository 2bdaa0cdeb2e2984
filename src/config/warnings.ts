import type { Config } from '../config.ts'
import { parseDatabaseUrl } from '../database-url.ts'
import { smsEncoding } from '../domain/sms-encoding.ts'

/** Shorter than this, a key was thought up rather than drawn at random. */
const STRONG_KEY_LENGTH = 24
/** Pasted into the callback URLs as it is, a token with one of them never matches: a + arrives as a space. */
const MEANS_SOMETHING_IN_QUERY = /[+%&#]/
/** The higher of the two rates that TextMagic's documents name. */
const DOCUMENTED_RATE = 50

/**
 * What an operator should know about a configuration that works: one sentence each, to be logged at start.
 * Names variables, never values.
 */
export function configWarnings(config: Config): string[] {
  const { textmagic, stripe } = config
  const warnings: string[] = []
  if (!config.production) {
    warnings.push('NODE_ENV is not production: missing webhook secrets and weak or published ones are not refused')
  }
  if (textmagic.webhookToken === null) {
    warnings.push(
      'TEXTMAGIC_WEBHOOK_TOKEN is not set: whoever knows the address can send replies in the name of others',
    )
  }
  if (textmagic.webhookToken !== null && MEANS_SOMETHING_IN_QUERY.test(textmagic.webhookToken)) {
    warnings.push(
      'TEXTMAGIC_WEBHOOK_TOKEN has characters that mean something else in a URL (+ % & #): write them percent-encoded there',
    )
  }
  for (const [variable, value] of Object.entries({
    ADMIN_API_KEY: config.adminApiKey,
    OPERATOR_API_KEY: config.operatorApiKey,
    METRICS_TOKEN: config.metricsToken,
    TEXTMAGIC_WEBHOOK_TOKEN: textmagic.webhookToken,
  })) {
    if (value !== null && value.length < STRONG_KEY_LENGTH) {
      warnings.push(`${variable} is short: use at least ${STRONG_KEY_LENGTH} random characters`)
    }
  }
  if (textmagic.ratePerSecond > DOCUMENTED_RATE) {
    warnings.push(`TEXTMAGIC_RATE_PER_SECOND is above what TextMagic accepts (${DOCUMENTED_RATE} at the very most)`)
  }
  if (config.production && /^[sr]k_test_/.test(stripe.secretKey)) {
    warnings.push('STRIPE_SECRET_KEY is a key of the test mode: no real money moves')
  }
  if (config.production && !config.publicUrl.startsWith('https:')) {
    warnings.push('PUBLIC_URL is not https: webhook tokens, API keys and contact details must not travel in the clear')
  }
  for (const [variable, url] of Object.entries({
    STRIPE_API_URL: stripe.apiUrl,
    TEXTMAGIC_API_URL: textmagic.apiUrl,
  })) {
    if (url.startsWith('http:')) warnings.push(`${variable} is not encrypted (http): for emulators only`)
  }
  if (smsEncoding(config.teaserFooter).encoding === 'ucs2') {
    warnings.push('TEASER_FOOTER has a character outside GSM-7: a first teaser then takes twice as many parts and more')
  }
  if (parseDatabaseUrl(config.databaseUrl).tls?.check === 'nothing') {
    warnings.push('DATABASE_URL says sslmode=no-verify: whoever answers in the name of the database is believed')
  }
  if (config.opsAlertWebhookUrl === null) {
    warnings.push('OPS_ALERT_WEBHOOK_URL is not set: escalations are seen only by those who look for them')
  }
  return warnings
}
