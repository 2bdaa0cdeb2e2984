import { type Answer, answerOf, type Json } from './admin-api.ts'
import type { Deployment } from './deployment.ts'

/** Bull Board as somebody's browser talks to it. */
export type QueueBoard = {
  /** Sends the form of the sign-in page. @returns the status; the cookie is kept for what follows */
  signIn(key: string): Promise<number>
  /** @param origin what the browser says of the page that asks */
  call(method: string, path: string, origin?: string): Promise<Answer>
  /** The failed jobs of a queue. */
  failed(queue: string): Promise<Json[]>
  /** Presses "Retry" on a failed job. */
  retry(queue: string, jobId: string): Promise<Answer>
}

/** A browser that nobody has signed in with yet. */
export function queueBoard({ url }: Deployment): QueueBoard {
  let cookie = ''
  const send = (method: string, path: string, origin: string, body?: URLSearchParams) =>
    fetch(`${url}/admin${path}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: path.startsWith('/queues/api/') ? 'application/json' : 'text/html',
        'sec-fetch-site': origin,
        cookie,
      },
      ...(body === undefined ? {} : { body }),
    })
  const call: QueueBoard['call'] = async (method, path, origin = 'same-origin') =>
    answerOf(await send(method, `/queues${path}`, origin))
  return {
    call,
    async signIn(key) {
      const response = await send('POST', '/sign-in', 'same-origin', new URLSearchParams({ key }))
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
      return response.status
    },
    async failed(queue) {
      const { body } = await call('GET', `/api/queues?activeQueue=${queue}&status=failed&page=1&jobsPerPage=50`)
      return body.queues.find(({ name }: { name: string }) => name === queue).jobs
    },
    retry: (queue, jobId) => call('PUT', `/api/queues/${queue}/${jobId}/retry`),
  }
}
