import type { Counter } from 'prom-client'
import { inTime } from '../in-time.ts'

/** Figures that have to be asked for: a query, a command. */
export type Figures<T> = {
  /** Named in `lead_unlock_collect_errors_total`. */
  source: string
  /** How long an answer is shown before it is asked for again, milliseconds. */
  freshMs: number
  read(): Promise<T>
  show(value: T): void
  /** Shows none: a figure that is out of date would be taken for the truth. */
  clear(): void
}

export type Source = {
  /** Brings the figures up to date where they are not; never rejects, and is back within the patience of the scrape. */
  refresh(): Promise<void>
}

export type SourceOptions = {
  errors: Counter<'source'>
  /** How long a scrape waits, milliseconds. What comes later is shown to the next. */
  patienceMs: number
  /** Told of each answer that could not be had. */
  onError(error: unknown, source: string): void
  /** Milliseconds of a clock that only goes forward. */
  now(): number
}

/** No answer within the patience of a scrape. */
class LateFiguresError extends Error {
  readonly code = 'figures_late'
}

/**
 * Asks for figures when somebody looks, at most once in `freshMs`, also when it fails, and never twice at a time, however
 * many look. While an answer is not to be had, the last one stands in until it is twice that old.
 */
export function createSource<T>(figures: Figures<T>, options: SourceOptions): Source {
  const { source, freshMs } = figures
  const { errors, patienceMs, onError, now } = options
  let askedAt = Number.NEGATIVE_INFINITY
  /** When the question was asked whose answer is shown. */
  let shownFrom = Number.NEGATIVE_INFINITY
  let running: Promise<void> | null = null

  const fail = (error: unknown) => {
    errors.inc({ source })
    onError(error, source)
  }
  const ask = async () => {
    // As old as the question: what happened while it was answered may not be in it.
    const at = now()
    askedAt = at
    try {
      figures.show(await figures.read())
      shownFrom = at
    } catch (error) {
      fail(error)
    } finally {
      running = null
    }
  }

  return {
    async refresh() {
      if (running === null && now() - askedAt >= freshMs) running = ask()
      if (running !== null) {
        await inTime(running, patienceMs, () => fail(new LateFiguresError(`no figures from ${source} in time`)))
      }
      if (now() - shownFrom >= 2 * freshMs) figures.clear()
    },
  }
}
