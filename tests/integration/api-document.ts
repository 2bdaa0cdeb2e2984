import type { Harness } from './api-harness.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A call that the OpenAPI document knows. */
export type Documented = {
  method: Method
  /** With its parameters in braces. */
  path: string
  /** What the document says of the roles that may make it. */
  roles: unknown
}

/** Every call of the API, as its OpenAPI document has them. */
export function documented(api: Harness): Documented[] {
  const paths = Object.entries(api.app.swagger().paths ?? {})
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([method, operation]) => ({
      method: method.toUpperCase() as Method,
      path,
      roles: Reflect.get(Object(operation), 'x-roles'),
    })),
  )
}
