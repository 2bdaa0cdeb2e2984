import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'

export type Post = { path: string; headers: Record<string, string>; body: string }

/** What a load saw: how long it took, and each answer's time, both in milliseconds. */
export type LoadResult = { elapsedMs: number; latenciesMs: number[] }

/** Connections side by side, as many as a gateway in a hurry opens. */
const CONNECTIONS = 32

/**
 * Posts as fast as the answers come, over a fixed number of connections.
 * @param make the request of this number, from 0; made before the clock starts
 * @throws {Error} at the first answer that is not 200
 */
export async function saturate(url: string, count: number, make: (index: number) => Post): Promise<LoadResult> {
  const posts = Array.from({ length: count }, (_, index) => make(index))
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 })
  const latenciesMs: number[] = []
  const work = posts.values()
  const started = performance.now()
  const lane = async () => {
    for (const post of work) latenciesMs.push(await timed(pool, post))
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  const elapsedMs = performance.now() - started
  await pool.close()
  return { elapsedMs, latenciesMs }
}

/**
 * Posts at a steady rate, whatever the answers take; an answer's time counts from when its request was due, so that a server
 * that stops for a while is not excused by requests that were never sent.
 * @param perSecond requests per second
 */
export async function steady(
  url: string,
  options: { count: number; perSecond: number },
  make: (index: number) => Post,
): Promise<LoadResult> {
  const pool = new Pool(url, { connections: 256, pipelining: 1 })
  const latenciesMs: number[] = []
  const started = performance.now()
  const answers: Promise<void>[] = []
  for (let index = 0; index < options.count; index += 1) {
    const due = started + (index * 1000) / options.perSecond
    const early = due - performance.now()
    if (early > 1) await delay(early)
    answers.push(
      timed(pool, make(index)).then(() => {
        latenciesMs.push(performance.now() - due)
      }),
    )
  }
  await Promise.all(answers)
  const elapsedMs = performance.now() - started
  await pool.close()
  return { elapsedMs, latenciesMs }
}

async function timed(pool: Pool, { path, headers, body }: Post): Promise<number> {
  const started = performance.now()
  const response = await pool.request({ method: 'POST', path, headers, body })
  const text = await response.body.text()
  if (response.statusCode !== 200) throw new Error(`${path.split('?')[0]} answered ${response.statusCode}: ${text}`)
  return performance.now() - started
}
