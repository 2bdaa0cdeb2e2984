const LATE = Symbol('late')

/**
 * Waits for something no longer than that. It goes on all the same; what comes of it then nobody hears.
 *
 * @param ms milliseconds
 * @param late answers in its place when it is not done by then, or throws
 */
export async function inTime<T, Late>(work: Promise<T>, ms: number, late: () => Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, ms, LATE)
  })
  try {
    const first = await Promise.race([work, end])
    return first === LATE ? late() : first
  } finally {
    clearTimeout(timer)
  }
}
