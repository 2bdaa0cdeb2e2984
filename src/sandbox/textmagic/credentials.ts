import type { FastifyInstance } from 'fastify'

/** Refuses every request under `app` that does not carry the account's user name and key. */
export function requireCredentials(app: FastifyInstance, account: { username: string; apiKey: string }): void {
  app.addHook('onRequest', async (request, reply) => {
    const { 'x-tm-username': username, 'x-tm-key': key } = request.headers
    if (username === account.username && key === account.apiKey) return
    return reply.code(401).send({ code: 401, message: 'Wrong username and token combination.' })
  })
}
