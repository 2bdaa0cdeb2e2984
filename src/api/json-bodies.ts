import { isUtf8 } from 'node:buffer'
import type { App } from './deps.ts'
import { ProblemError } from './problem.ts'

/**
 * Takes JSON and no other bodies. It is UTF-8: of bytes that are not, nobody can tell what they were to say, and a name or an
 * address would be stored, and sold, with holes in it. An empty body is taken as none though its type is said to be JSON: many
 * clients say so with every call, also with those that take no body. Where one is needed, the schema refuses it.
 */
export function takeJson(scope: App): void {
  const parse = scope.getDefaultJsonParser('error', 'error')
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, null)
    if (!isUtf8(body)) return done(new ProblemError('invalid-request', 'The body is not UTF-8'))
    return parse(request, body.toString('utf8'), done)
  })
}
