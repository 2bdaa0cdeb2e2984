import type { FieldError } from '../../problem.ts'

/** How many errors are listed: more of them help nobody. */
const MAX_LISTED = 1000

/** What is wrong with a file: all of it counted, the first of it listed. */
export class FileErrors {
  count = 0
  readonly #listed: (FieldError & { line: number })[] = []

  add(line: number, ...errors: readonly FieldError[]): void {
    this.count += errors.length
    for (const error of errors.slice(0, MAX_LISTED - this.#listed.length)) this.#listed.push({ line, ...error })
  }

  /** In the order of the file. */
  get listed(): FieldError[] {
    return this.#listed.toSorted((one, other) => one.line - other.line)
  }

  get summary(): string {
    const errors = this.count === 1 ? '1 error' : `${this.count} errors`
    return this.count > MAX_LISTED ? `${errors}, of which the first ${MAX_LISTED} are listed` : errors
  }
}
