import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import type { Job, Queue } from 'bullmq'
import type { JobName } from '../../queues/contract.ts'
import { idsIn, shownJob } from './job-view.ts'

/** Bull Board takes more than its type says. */
const OPTIONS = { allowRetries: true, allowCompletedRetries: false }

/** A queue on the board whose jobs are shown by `shownJob`. Logs and related jobs, which ours do not have, are not shown. */
export class IdsOnlyAdapter extends BullMQAdapter {
  readonly #name: JobName

  constructor(name: JobName, queue: Queue) {
    super(queue, OPTIONS)
    this.#name = name
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id)
    return job === undefined ? undefined : this.#shown(job)
  }

  override async getJobs(...query: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    return (await super.getJobs(...query)).map((job) => this.#shown(job))
  }

  override async getJobSchedulers(): ReturnType<BullMQAdapter['getJobSchedulers']> {
    const schedulers = await super.getJobSchedulers()
    return schedulers.map((scheduler) => ({
      ...scheduler,
      template: { data: idsIn(scheduler.template?.data, this.#name) },
    }))
  }

  override async getJobLogs(): Promise<string[]> {
    return []
  }

  override async getFlowProducer(): Promise<null> {
    return null
  }

  /** The job itself, which can still be retried or removed, but which the board sees as it is shown. */
  #shown(job: Job): Job {
    const json = job.toJSON.bind(job)
    return Object.assign(job, { toJSON: () => shownJob(json(), this.#name) })
  }
}
