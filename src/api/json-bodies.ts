import type { App } from './deps.ts'

/**
 * Takes an empty body as none though its type is said to be JSON: many clients say so with every call, also with those that
 * take no body. Where one is needed, the schema refuses it.
 */
export function takeEmptyJson(scope: App): void {
  const parse = scope.getDefaultJsonParser('error', 'error')
  scope.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, null) : parse(request, body, done),
  )
}
