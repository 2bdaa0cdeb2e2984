import { Queue } from 'bullmq'

/** Holds a queue's jobs back while they are piled up, so that what is measured begins at one moment. */
export async function heldBack<T>(
  queue: { name: string; redisUrl: string; prefix: string },
  use: (control: { queue: Queue; hold(): Promise<void>; release(): Promise<void> }) => Promise<T>,
): Promise<T> {
  const handle = new Queue(queue.name, {
    connection: { url: queue.redisUrl },
    prefix: queue.prefix,
    skipVersionCheck: true,
  })
  try {
    return await use({ queue: handle, hold: () => handle.pause(), release: () => handle.resume() })
  } finally {
    await handle.close()
  }
}
