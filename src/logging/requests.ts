/** A request as a log shows it: no query (it may carry a token), no headers, no body, no address of the caller. */
export function describeRequest(request: unknown): { method?: string; path?: string } {
  const { method, url } = Object(request)
  return {
    ...(typeof method === 'string' ? { method } : {}),
    ...(typeof url === 'string' ? { path: url.replace(/[?#].*$/s, '') } : {}),
  }
}

/** An answer as a log shows it. */
export function describeReply(reply: unknown): { statusCode?: number } {
  const { statusCode } = Object(reply)
  return typeof statusCode === 'number' ? { statusCode } : {}
}
