import type { Dispatcher } from 'undici'
import { errorOfStatus, isSuccess } from './classify.ts'
import { createHttp, type HttpAnswer } from './http.ts'
import type { CallObserver } from './observer.ts'

export type WebhookPost = {
  /**
   * Passes a body on unchanged, in the content type it came in, to the system that handles other messages.
   *
   * @param url never appears in an error: it may hold a token
   * @throws NotDoneError, RefusedError or UnclearError (errors.ts); only a 2xx is success
   */
  forward(url: string, message: { body: Buffer; contentType: string }): Promise<void>
  /** Posts a value as JSON, e.g. `{text}` to a Slack-compatible webhook. Errors as for `forward`. */
  postJson(url: string, value: unknown): Promise<void>
  close(): Promise<void>
}

/**
 * Posts to the webhooks of other systems: FALLBACK_SMS_WEBHOOK_URL and OPS_ALERT_WEBHOOK_URL. Their status is all that counts:
 * who said 200 has it, and would get it again for a body that is large or does not end.
 *
 * @param options.timeoutMs milliseconds for each call; 10 000 when absent
 * @param options.observe told how each call ended
 */
export function createWebhookPost({
  timeoutMs = 10_000,
  ...options
}: {
  timeoutMs?: number
  dispatcher?: Dispatcher
  observe?: CallObserver
} = {}): WebhookPost {
  const http = createHttp({ timeoutMs, ...options })
  return {
    async forward(url, { body, contentType }) {
      const operation = 'forward message'
      const headers = { 'content-type': contentType }
      expectSuccess(operation, await http.call({ operation, method: 'POST', url, headers, body, statusOnly: true }))
    },
    async postJson(url, value) {
      const operation = 'post alert'
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify(value)
      expectSuccess(operation, await http.call({ operation, method: 'POST', url, headers, body, statusOnly: true }))
    },
    close: () => http.close(),
  }
}

function expectSuccess(operation: string, { status }: HttpAnswer): void {
  if (!isSuccess(status)) throw errorOfStatus(operation, status)
}
