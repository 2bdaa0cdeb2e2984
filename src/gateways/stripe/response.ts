import { addAbortSignal, Readable } from 'node:stream'
import type Stripe from 'stripe'
import { MAX_ANSWER_BYTES } from '../http.ts'

type SdkResponse = Awaited<ReturnType<ReturnType<typeof Stripe.createNodeHttpClient>['makeRequest']>>

/**
 * An answer that the SDK can read, whatever it is. By itself the SDK reads one of any length, for as long as it goes on; and
 * of JSON that is no object, a text for one, it makes a rejection that nobody handles, which ends the process.
 *
 * @param givenUp cuts it off
 */
export function boundedResponse(response: SdkResponse, givenUp: AbortSignal | undefined): SdkResponse {
  const raw: unknown = response.getRawResponse()
  const stream = raw instanceof Readable ? raw : undefined
  if (stream !== undefined && givenUp !== undefined) addAbortSignal(givenUp, stream)
  return {
    getStatusCode: () => response.getStatusCode(),
    getHeaders: () => response.getHeaders(),
    getRawResponse: () => response.getRawResponse(),
    toStream: (completed) => response.toStream(completed),
    async toJSON() {
      let length = 0
      stream?.on('data', (chunk: string) => {
        length += chunk.length
        if (length > MAX_ANSWER_BYTES) stream.destroy(new Error('the answer is too long'))
      })
      const body: unknown = await response.toJSON()
      if (typeof body !== 'object' || body === null) throw new TypeError('the answer is no JSON object')
      return body
    },
  }
}
