import type { Dispatcher } from 'undici'
import type { SendClass } from '../../domain/outbound.ts'
import { createHttp, type HttpAnswer } from '../http.ts'
import type { CallObserver } from '../observer.ts'

export type ApiCall = {
  operation: string
  method: 'GET' | 'POST'
  /** Below `/api/v2`. */
  path: string
  query?: Record<string, string>
  body?: Record<string, unknown>
  /** The class in which this call waits for its slot, unless the caller has waited itself. */
  slot: SendClass | 'taken'
  /** See `HttpCall`. */
  beforeWriting?: () => void
}

/** Calls to the TextMagic API: each one has waited for its slot in the shared limit. */
export type TextMagicApi = {
  call(call: ApiCall): Promise<HttpAnswer>
  /** Waits for a slot of the shared limit. */
  takeSlot(sendClass: SendClass): Promise<void>
  close(): Promise<void>
}

export type TextMagicApiOptions = {
  baseUrl: string
  username: string
  apiKey: string
  timeoutMs: number
  limiter: { acquire(sendClass: SendClass): Promise<void> }
  dispatcher?: Dispatcher
  /** Told how each call ended. */
  observe?: CallObserver
}

export function createTextMagicApi({
  baseUrl,
  username,
  apiKey,
  limiter,
  ...options
}: TextMagicApiOptions): TextMagicApi {
  const http = createHttp(options)
  const base = `${baseUrl.replace(/\/+$/, '')}/api/v2`
  const headers = { 'x-tm-username': username, 'x-tm-key': apiKey, accept: 'application/json' }
  return {
    async call({ operation, method, path, query = {}, body, slot, beforeWriting }) {
      const search = new URLSearchParams(query).toString()
      const url = `${base}${path}${search === '' ? '' : `?${search}`}`
      if (slot !== 'taken') await limiter.acquire(slot)
      const asked = beforeWriting === undefined ? {} : { beforeWriting }
      if (body === undefined) return await http.call({ operation, method, url, headers, ...asked })
      return await http.call({
        operation,
        method,
        url,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...asked,
      })
    },
    takeSlot: (sendClass) => limiter.acquire(sendClass),
    close: () => http.close(),
  }
}
