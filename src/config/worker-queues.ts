import { ConfigError } from './error.ts'
import { splitList } from './list.ts'

/**
 * Which queues a worker process serves.
 * @param value WORKER_QUEUES: `all`, or names separated by commas.
 * @param known the names of all queues.
 * @returns the names, each once, in the order of `known`.
 * @throws {ConfigError} when a name is not among `known`.
 */
export function parseWorkerQueues<Queue extends string>(value: string, known: readonly Queue[]): Queue[] {
  const wanted = new Set(splitList(value))
  if (wanted.size === 1 && wanted.has('all')) return [...known]
  const served = known.filter((queue) => wanted.has(queue))
  if (served.length < wanted.size) {
    throw new ConfigError([
      {
        variable: 'WORKER_QUEUES',
        problem: 'names a queue that does not exist',
        expected: `all, or some of ${known.join(', ')}`,
      },
    ])
  }
  return served
}
