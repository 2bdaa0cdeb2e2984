import { Agent, type Dispatcher, request } from 'undici'
import { errorOfStatus, errorOfTransport, isSuccess } from './classify.ts'
import { NotDoneError } from './errors.ts'
import { type CallObserver, endedCall } from './observer.ts'

/** More than any answer a gateway gives to a page of 100 items. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024

export type HttpCall = {
  /** Named in errors in place of the URL, which may hold a token. */
  operation: string
  method: 'GET' | 'POST'
  url: string
  headers?: Record<string, string>
  body?: string | Buffer
  /**
   * Asked when a connection stands and before the first byte is written; throws NotDoneError when the call must not be
   * made any more. A process that was frozen while it connected wakes up with the connection made.
   */
  beforeWriting?: () => void
  /** The status is all that is asked for: the answer's body is not waited for, and told as an empty text. */
  statusOnly?: boolean
}

export type HttpAnswer = {
  status: number
  /** The body as text, whatever its type. */
  text: string
}

export type Http = {
  /**
   * Makes one call, following no redirect and retrying nothing.
   *
   * @returns the answer, whatever its status
   * @throws NotDoneError when nothing was sent; UnclearError when the answer did not come in whole and in time
   */
  call(call: HttpCall): Promise<HttpAnswer>
  /** Lets calls in flight end (they are bounded by the timeout), then closes the connections. Later calls are NotDone. */
  close(): Promise<void>
}

/**
 * HTTP/1.1 with keep-alive and one time limit over each whole call, from connecting to the last byte of the answer.
 *
 * @param options.timeoutMs milliseconds
 * @param options.dispatcher an undici dispatcher to use instead; it stays the caller's to close
 * @param options.observe told how each call ended
 */
export function createHttp(options: { timeoutMs: number; dispatcher?: Dispatcher; observe?: CallObserver }): Http {
  const { observe = () => undefined } = options
  const own = keepAliveAgent(options.timeoutMs)
  const dispatcher = options.dispatcher ?? own
  let closing: Promise<void> | undefined

  async function exchange({ method, url, headers, body, beforeWriting, statusOnly }: HttpCall): Promise<HttpAnswer> {
    const answer = await request(url, {
      method,
      headers: { 'user-agent': 'lead-unlock', ...headers },
      signal: AbortSignal.timeout(options.timeoutMs),
      ...(body === undefined ? {} : { body }),
      dispatcher: beforeWriting === undefined ? dispatcher : dispatcher.compose(asking(beforeWriting)),
    })
    if (statusOnly !== true) return { status: answer.statusCode, text: await answer.body.text() }
    // So that the connection can be used again; one whose answer does not end is closed with the time limit, which says
    // nothing of the call: it was answered.
    answer.body.dump().catch(() => undefined)
    return { status: answer.statusCode, text: '' }
  }

  return {
    async call(call) {
      const { operation, url } = call
      if (closing !== undefined) throw new NotDoneError('closed', { operation })
      if (!URL.canParse(url)) throw new NotDoneError('invalid_url', { operation })
      const since = performance.now()
      const answer = await exchange(call).catch((error: unknown) => {
        const failure = errorOfTransport(operation, error)
        observe(endedCall(operation, since, failure))
        throw failure
      })
      observe(
        endedCall(operation, since, isSuccess(answer.status) ? undefined : errorOfStatus(operation, answer.status)),
      )
      return answer
    },
    close() {
      closing ??= own.close()
      return closing
    },
  }
}

/** What `beforeWriting` throws ends the request: undici calls `onRequestStart` right before it writes, in the same turn. */
function asking(beforeWriting: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        beforeWriting()
        handler.onRequestStart?.(controller, context)
      },
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    })
}

function keepAliveAgent(timeoutMs: number): Agent {
  return new Agent({
    // Over HTTP/2, undici sends a request that the gateway refuses again by itself, writes it a turn after it was asked
    // about, and goes on with a connection on which nothing is answered any more.
    allowH2: false,
    // Shorter than the whole call's limit: failing to connect is certain, running out of time is not.
    connect: { timeout: Math.ceil(timeoutMs / 2) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_ANSWER_BYTES,
  })
}
