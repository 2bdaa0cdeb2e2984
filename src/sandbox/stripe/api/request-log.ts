/** One API request as a test wants to see it; never the key it was authorised with. */
export type LoggedRequest = {
  /** ISO time by the emulator's clock. */
  at: string
  request_id: string
  method: string
  path: string
  idempotency_key: string | null
  params: unknown
  /** Null while unanswered, and for good when the connection was dropped. */
  status: number | null
  /** Answered from an idempotency key, without doing anything. */
  replayed: boolean
}

const keptRequests = 10_000

/** The newest API requests, oldest first. */
export class RequestLog {
  #requests: LoggedRequest[] = []

  add(request: LoggedRequest): void {
    this.#requests.push(request)
    if (this.#requests.length > keptRequests * 2) this.#requests = this.#requests.slice(-keptRequests)
  }

  list(): LoggedRequest[] {
    return this.#requests.slice(-keptRequests)
  }
}
