/** What somebody does on the board, for the audit log. */
export type BoardAction = { action: string; target: string }

type Parameters = { queueName?: string; jobId?: string; queueStatus?: string }

const queue = ({ queueName }: Parameters) => `queue:${queueName}`
const job = ({ queueName, jobId }: Parameters) => `job:${queueName}:${jobId}`
const allQueues = () => 'queues'

/**
 * What the board may change, by method and route: what the runbook needs, and what loses no work. Everything else that
 * Bull Board offers is refused: emptying, cleaning and obliterating queues, adding jobs by hand, changing their data,
 * delay or priority, limits of queues, and the schedule of the sweep.
 */
const ACTIONS: Readonly<Record<string, readonly [action: string, target: (parameters: Parameters) => string]>> = {
  'PUT /api/queues/:queueName/:jobId/retry': ['queue.retry_job', job],
  'PUT /api/queues/:queueName/retry/:queueStatus': ['queue.retry_failed', queue],
  'PUT /api/queues/:queueName/:jobId/promote': ['queue.promote_job', job],
  'PUT /api/queues/:queueName/:jobId/clean': ['queue.remove_job', job],
  'PUT /api/queues/:queueName/pause': ['queue.pause', queue],
  'PUT /api/queues/:queueName/resume': ['queue.resume', queue],
  'PUT /api/queues/pause': ['queue.pause_all', allQueues],
  'PUT /api/queues/resume': ['queue.resume_all', allQueues],
}

/**
 * @param route as it is written, without the path of the board
 * @returns what the request does, or null when the board does not do that
 */
export function boardAction(method: string, route: string, parameters: Parameters): BoardAction | null {
  const found = ACTIONS[`${method.toUpperCase()} ${route}`]
  if (found === undefined) return null
  const [action, target] = found
  // Jobs that are done are not done again by the thousand.
  if (action === 'queue.retry_failed' && parameters.queueStatus !== 'failed') return null
  return { action, target: target(parameters) }
}
