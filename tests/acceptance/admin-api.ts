// biome-ignore lint/suspicious/noExplicitAny: answers are asserted on field by field
export type Json = any

export type Answer = { status: number; contentType: string; body: Json }

/** Calls the API with a key. @param body sent as JSON; a text as CSV @returns the answer, whatever its status */
export type AdminApi = (method: string, path: string, body?: unknown) => Promise<Answer>

export function adminApi(url: string, key: string): AdminApi {
  return async (method, path, body) => {
    const isText = typeof body === 'string'
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': isText ? 'text/csv' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    })
    return answerOf(response)
  }
}

/** Reads a response; its body as JSON where it says it is. */
export async function answerOf(response: Response): Promise<Answer> {
  const contentType = response.headers.get('content-type') ?? ''
  const text = await response.text()
  return { status: response.status, contentType, body: /json/.test(contentType) && text ? JSON.parse(text) : text }
}
