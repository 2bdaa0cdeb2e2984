import { Type } from 'typebox'
import { Value } from 'typebox/value'

/** A JSON schema as it stands in the document. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a call asks for before it is let in. */
export type Guard = 'apiKey' | 'webhookToken' | 'stripeSignature' | 'nothing'

/** A call that the OpenAPI document describes. */
export type Operation = {
  /** `POST /api/leads`. */
  name: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  guard: Guard
  parameters: readonly { in: string; name: string; schema: JsonSchema }[]
  /** Schemas of the body by content type. */
  bodies: ReadonlyMap<string, JsonSchema>
  /** Schemas of the answer by status, and by content type. */
  answers: ReadonlyMap<number, ReadonlyMap<string, JsonSchema>>
}

const Schema = Type.Record(Type.String(), Type.Unknown())
const Content = Type.Record(Type.String(), Type.Object({ schema: Type.Optional(Schema) }))
const Document = Type.Object({
  paths: Type.Record(
    Type.String(),
    Type.Record(
      Type.String(),
      Type.Object({
        security: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Array(Type.String())))),
        parameters: Type.Optional(Type.Array(Type.Object({ in: Type.String(), name: Type.String(), schema: Schema }))),
        requestBody: Type.Optional(Type.Object({ content: Content })),
        responses: Type.Record(Type.String(), Type.Object({ content: Type.Optional(Content) })),
      }),
    ),
  ),
})

const Method = Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
const GuardName = Type.Enum(['apiKey', 'webhookToken', 'stripeSignature'])

/** Reads every call from the document that /docs/json serves; one that it cannot read is an error, not left out. */
export function operationsOf(document: unknown): Operation[] {
  const { paths } = Value.Parse(Document, document)
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([verb, { security, parameters = [], requestBody, responses }]) => {
      const method = Value.Parse(Method, verb.toUpperCase())
      const guard = security?.flatMap(Object.keys)[0]
      return {
        name: `${method} ${path}`,
        method,
        path,
        guard: guard === undefined ? 'nothing' : Value.Parse(GuardName, guard),
        parameters,
        bodies: schemasOf(requestBody?.content),
        answers: new Map(
          Object.entries(responses).map(([status, { content }]) => [Number(status), schemasOf(content)]),
        ),
      }
    }),
  )
}

function schemasOf(content: Type.Static<typeof Content> = {}): Map<string, JsonSchema> {
  return new Map(Object.entries(content).map(([type, { schema = {} }]) => [type, schema]))
}
