/**
 * Waits for something no longer than that. It goes on all the same; what comes of it then nobody hears.
 *
 * @param ms milliseconds
 * @param late makes what is thrown when it is not done by then
 */
export async function inTime<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
