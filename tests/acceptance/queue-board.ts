import { type Answer, answerOf, type Json } from './admin-api.ts'
import type { Deployment } from './deployment.ts'

/** Bull Board as a browser talks to it. */
export type QueueBoard = {
  /** Calls it with these credentials, or none. @param origin what a browser says of the page that asks */
  call(method: string, path: string, credentials?: string, origin?: string): Promise<Answer>
  /** The failed jobs of a queue. */
  failed(queue: string): Promise<Json[]>
  /** Presses "Retry" on a failed job. */
  retry(queue: string, jobId: string): Promise<Answer>
}

export function queueBoard({ url, secrets }: Deployment): QueueBoard {
  const admin = `admin:${secrets.adminApiKey}`
  const call: QueueBoard['call'] = async (method, path, credentials, origin = 'same-origin') =>
    answerOf(
      await fetch(`${url}/admin/queues${path}`, {
        method,
        headers: {
          'sec-fetch-site': origin,
          ...(credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` }),
        },
      }),
    )
  return {
    call,
    async failed(queue) {
      const { body } = await call('GET', `/api/queues?activeQueue=${queue}&status=failed&page=1&jobsPerPage=50`, admin)
      return body.queues.find(({ name }: { name: string }) => name === queue).jobs
    },
    retry: (queue, jobId) => call('PUT', `/api/queues/${queue}/${jobId}/retry`, admin),
  }
}
