import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RedisCandidate, RedisSearch } from './redis-binary.ts'

/** The redis-memory-server default, `stable`, moves; this one does not. */
const VERSION = '7.4.2'
const BUILD_TIMEOUT_MS = 15 * 60_000
const REPORT_EVERY_MS = 20_000

/**
 * Redis built from its source by the redis-memory-server package, kept in `cacheDir`. Takes a C compiler and make.
 * @throws when it cannot be downloaded or built
 */
export async function buildRedis({ cacheDir, log }: RedisSearch): Promise<RedisCandidate[]> {
  const startedAt = performance.now()
  const timer = setInterval(() => {
    log(
      `building Redis ${VERSION} from source … ${Math.round((performance.now() - startedAt) / 1000)} s (a few minutes)`,
    )
  }, REPORT_EVERY_MS)
  try {
    const main = fileURLToPath(new URL('redis-build-main.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [main, VERSION, join(cacheDir, 'redis-build')], {
      // Without this the package downloads over TLS without checking the certificate.
      env: { ...process.env, npm_config_strict_ssl: 'true' },
      timeout: BUILD_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    })
    const command = stdout.trim().split('\n').at(-1) ?? ''
    return [{ command, env: process.env }]
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    const reason = stderr.split('\n').slice(-5).join('\n')
    throw new Error(reason === '' ? `Redis ${VERSION} could not be built from source` : reason, { cause: error })
  } finally {
    clearInterval(timer)
  }
}
