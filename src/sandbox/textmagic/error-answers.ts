import type { FastifyError, FastifyInstance } from 'fastify'
import type { FieldErrors } from './send-request.ts'

/** The body of a refused request, naming what is wrong with each field. */
export function validationFailed(fields: FieldErrors) {
  return { code: 400, message: 'Validation Failed', errors: { common: [], fields } }
}

/** The body of an answer about something that is not there. */
export const notFound = { code: 404, message: 'The requested resource could not be found.' }

/** Gives every error of `app` TextMagic's shape: `errors` is null where no field is to blame. */
export function answerErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(notFound))
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    const code = error.statusCode ?? 500
    return reply.code(code).send({ code, message: error.message, errors: null })
  })
}
