import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { LogController } from 'fastify'
import { createInbox } from '../db/inbox/store.ts'
import { countAsWaiting } from '../db/postgres/pool.ts'
import { requireBearer } from './auth/bearer.ts'
import { limitFailures } from './auth/failures.ts'
import { createKeyring, type Identify } from './auth/keyring.ts'
import { limitCallers } from './auth/rate.ts'
import { enforceRoles } from './auth/roles.ts'
import { createStoredKeys } from './auth/stored-keys.ts'
import { answerMalformedHttp } from './client-errors.ts'
import type { ApiDeps, App } from './deps.ts'
import { answerError, answerNotFound, answerUnreadablePath } from './errors.ts'
import { takeJson } from './json-bodies.ts'
import { BODY_LIMIT, CONNECTION_LIMITS, HANDLER_TIMEOUT_MS, limitRoutes, SMALL_BODY_LIMIT } from './limits.ts'
import { endConnectionsWhenClosing } from './plugins/closing.ts'
import { allowOrigins } from './plugins/cors.ts'
import { serveDocs } from './plugins/docs.ts'
import { shedUnderPressure } from './plugins/pressure.ts'
import { serveQueueBoard } from './plugins/queue-board.ts'
import { logRequests, requestIdOf } from './plugins/request-log.ts'
import { measureRequests } from './plugins/request-metrics.ts'
import { sendSecurityHeaders } from './plugins/security-headers.ts'
import { getAnalytics } from './routes/analytics/get-analytics.ts'
import { listAudit } from './routes/audit/list-audit.ts'
import { listEscalations } from './routes/escalations/list-escalations.ts'
import { resolveEscalation } from './routes/escalations/resolve-escalation.ts'
import { healthz } from './routes/health/healthz.ts'
import { readyz } from './routes/health/readyz.ts'
import { createLead } from './routes/leads/create-lead.ts'
import { eraseContact } from './routes/leads/erase-contact.ts'
import { getLead } from './routes/leads/get-lead.ts'
import { listLeads } from './routes/leads/list-leads.ts'
import { sendLead } from './routes/leads/send-lead.ts'
import { listMessages } from './routes/messages/list-messages.ts'
import { serveMetrics } from './routes/metrics.ts'
import { exportPayments } from './routes/payments/export-payments.ts'
import { listPayments } from './routes/payments/list-payments.ts'
import { getProvider } from './routes/providers/get-provider.ts'
import { importProviders } from './routes/providers/import-providers.ts'
import { listProviders } from './routes/providers/list-providers.ts'
import { putProvider } from './routes/providers/put-provider.ts'
import { expireUnlock } from './routes/unlocks/expire-unlock.ts'
import { exportUnlocks } from './routes/unlocks/export-unlocks.ts'
import { getUnlock } from './routes/unlocks/get-unlock.ts'
import { listUnlocks } from './routes/unlocks/list-unlocks.ts'
import { refundUnlock } from './routes/unlocks/refund-unlock.ts'
import { resendLink } from './routes/unlocks/resend-link.ts'
import { retryReveal } from './routes/unlocks/retry-reveal.ts'
import { takeRawBodies } from './routes/webhooks/raw-bodies.ts'
import { stripeWebhook } from './routes/webhooks/stripe.ts'
import { textmagicInbound } from './routes/webhooks/textmagic.ts'
import { textmagicDelivery } from './routes/webhooks/textmagic-delivery.ts'
import { requireToken } from './routes/webhooks/textmagic-token.ts'
import { countWebhooks } from './routes/webhooks/webhook-metrics.ts'
import { nameEveryField, validatorCompiler } from './validation.ts'

const MAX_PATH_PARAMETER = 256

/**
 * Builds the ingress: it authenticates, validates, stores what arrived, publishes wake-ups and answers. It calls no gateway.
 *
 * @param deps opened by the caller, and still open after `app.close()`
 * @returns an instance that does not listen yet
 */
export async function buildApp(deps: ApiDeps): Promise<App> {
  const app: App = fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: requestIdOf,
    ...CONNECTION_LIMITS,
    forceCloseConnections: 'idle',
    trustProxy: deps.config.trustedProxies.length > 0 ? [...deps.config.trustedProxies] : false,
    // A connection accepted before the stop is answered: a gateway that gets a 503 may give its callback URL up.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER },
    frameworkErrors: answerUnreadablePath,
    clientErrorHandler: answerMalformedHttp,
  }).withTypeProvider<TypeBoxTypeProvider>()

  const storedKeys = createStoredKeys(deps.db, deps.logger)
  const environment = { admin: deps.config.adminApiKey, operator: deps.config.operatorApiKey }
  const identify = createKeyring(environment, storedKeys)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)
  nameEveryField()
  app.setValidatorCompiler(validatorCompiler)
  app.decorateRequest('caller', null)
  app.decorateRequest('problem', null)
  app.addHook('onClose', () => storedKeys.settled())
  app.decorateRequest('sentContentType', '')
  logRequests(app)
  measureRequests(app, deps.metrics.http)
  await sendSecurityHeaders(app, deps.config.publicUrl)
  endConnectionsWhenClosing(app)
  await shedUnderPressure(app, deps)
  await limitFailures(app, deps)
  await serveDocs(app)

  healthz(app)
  readyz(app, deps)
  serveMetrics(app, deps, identify)
  await app.register(async (scope) => apiRoutes(scope.withTypeProvider(), deps, identify), { prefix: '/api' })
  await app.register(async (scope) => webhooks(scope.withTypeProvider(), deps), { prefix: '/webhook' })
  await serveQueueBoard(app, deps, identify, environment)
  return app
}

async function apiRoutes(scope: App, deps: ApiDeps, identify: Identify): Promise<void> {
  limitRoutes(scope, { bodyLimit: SMALL_BODY_LIMIT, handlerTimeout: HANDLER_TIMEOUT_MS })
  takeJson(scope)
  // Before the key is asked for: a browser's preflight carries none.
  await allowOrigins(scope, deps.config.corsOrigins)
  requireBearer(scope, identify)
  enforceRoles(scope)
  await limitCallers(scope, deps)
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  for (const route of [
    createLead,
    getLead,
    listLeads,
    sendLead,
    eraseContact,
    putProvider,
    getProvider,
    listProviders,
    importProviders,
    listUnlocks,
    exportUnlocks,
    getUnlock,
    retryReveal,
    resendLink,
    expireUnlock,
    refundUnlock,
    listPayments,
    exportPayments,
    listMessages,
    listEscalations,
    resolveEscalation,
    getAnalytics,
    listAudit,
  ]) {
    await route(scope, deps)
  }
}

async function webhooks(scope: App, deps: ApiDeps): Promise<void> {
  // They bound themselves what they wait for: the framework's timeout costs a twentieth of what a webhook does.
  limitRoutes(scope, { bodyLimit: BODY_LIMIT })
  countWebhooks(scope, deps.metrics.webhooks)
  takeRawBodies(scope)
  const inbox = createInbox(deps.db.em, deps.sealer)
  countAsWaiting(deps.db, inbox.waiting)
  stripeWebhook(scope, deps, inbox)
  await scope.register(async (plain) => {
    const textmagic: App = plain.withTypeProvider()
    requireToken(textmagic, deps.config.textmagicWebhookToken)
    textmagicInbound(textmagic, deps, inbox)
    textmagicDelivery(textmagic, deps, inbox)
  })
}
