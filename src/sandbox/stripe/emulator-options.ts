/** How to start the Stripe emulator. */
export type StripeEmulatorOptions = {
  /** A free port when absent. */
  port?: number | undefined
  /** The only API key accepted. */
  secretKey: string
  /** Where events are posted; nowhere when absent. */
  webhookUrl?: string | undefined
  /** Signs events; several while a secret is being rolled. */
  webhookSecret: string | readonly string[]
  /** Keeps the account across restarts; in memory only when absent. */
  stateFile?: string | undefined
  /** The emulated clock; the system's when absent. */
  now?: (() => Date) | undefined
  /** The time signatures carry; the system's when absent, since the receiver judges them by its own watch. */
  signedAt?: (() => Date) | undefined
  /** Milliseconds to wait after each failed delivery of an event; given up after the last. */
  retryDelaysMs?: readonly number[] | undefined
  /** False holds every event back until `releaseWebhooks`. */
  autoDeliver?: boolean | undefined
  /** The name on the checkout page. */
  merchantName?: string | undefined
}

/** Quick at first, so that a restarted API is caught up with at once; over after seven minutes, not three days. */
export const sandboxRetryDelaysMs = [250, 1_000, 5_000, 15_000, 60_000, 360_000] as const
