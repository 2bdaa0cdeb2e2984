import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifySchema } from 'fastify'
import { Type } from 'typebox'
import type { Role } from '../../domain/roles.ts'
import { productVersion } from '../../version.ts'
import type { App } from '../deps.ts'
import { allowPage } from './security-headers.ts'

/** Swagger UI: its own files, pictures in its style sheets, and calls to this API. Left out is the colour of a logo. */
const DOCS_PAGE = {
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
}

/** The OpenAPI document of every route registered after it, at /docs and /docs/json. */
export async function serveDocs(app: App): Promise<void> {
  await app.register(swagger, {
    transform: ({ schema, url, route }) => ({
      url,
      schema: withOptionalBody(withRoles(schema, route.config?.roles)),
    }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      for (const path of Object.values(document.openapiObject.paths ?? {})) documentOptionalBody(path?.post)
      return document.openapiObject
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lead Unlock',
        version: productVersion(),
        description:
          'Sells providers access to client inquiries. Errors are application/problem+json (RFC 9457): 400 for a request ' +
          'that does not have the documented shape, 422 for one that has it and holds a value that cannot be accepted, ' +
          '503 when the same request may succeed after `Retry-After`: a store is away, or there is too much to do.',
      },
      tags: [
        { name: 'leads', description: 'Client inquiries and who they are offered to' },
        { name: 'providers', description: 'Who may be offered a lead' },
        { name: 'unlocks', description: 'One provider, one lead: from teaser to reveal' },
        { name: 'payments', description: 'Money that came in, and what became of it' },
        { name: 'messages', description: 'Every SMS we mean to send, and what became of it' },
        { name: 'escalations', description: 'What a person must look at' },
        { name: 'analytics', description: 'What became of the leads of a period' },
        { name: 'audit', description: 'Who did what' },
        { name: 'webhooks', description: 'What gateways call' },
        { name: 'health', description: 'What the platform asks' },
      ],
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'ADMIN_API_KEY, OPERATOR_API_KEY, or one of `npm run keys`',
          },
          webhookToken: { type: 'apiKey', in: 'query', name: 'token', description: 'TEXTMAGIC_WEBHOOK_TOKEN' },
          stripeSignature: { type: 'apiKey', in: 'header', name: 'Stripe-Signature' },
        },
      },
    },
  })
  await app.register(async (scope) => {
    allowPage(scope, DOCS_PAGE)
    await scope.register(swaggerUi, { routePrefix: '/docs' })
  })
}

/** Says with each call whose keys may make it. */
function withRoles(schema: FastifySchema, roles: readonly Role[] | undefined): FastifySchema {
  if (roles === undefined) return schema
  const may = `Roles: ${roles.join(', ')}.`
  const description = schema.description === undefined ? may : `${schema.description}\n\n${may}`
  const documented = { ...schema, description, 'x-roles': roles }
  return documented
}

/** Marks an operation until the document is complete. */
const OPTIONAL_BODY = 'x-body-optional'

function withOptionalBody(schema: FastifySchema): FastifySchema {
  const marked = { ...schema, [OPTIONAL_BODY]: true }
  return Type.IsOptional(schema.body) ? marked : schema
}

/** The generator of the document takes every body for required. */
function documentOptionalBody(operation: { requestBody?: object } | undefined): void {
  if (operation?.requestBody === undefined || !(OPTIONAL_BODY in operation)) return
  Object.assign(operation.requestBody, { required: false })
  Reflect.deleteProperty(operation, OPTIONAL_BODY)
}
