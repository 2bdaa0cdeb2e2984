import { RedisBinary } from 'redis-memory-server'

// A process of its own, because the package writes to the terminal and takes its settings from the environment.
const [version, downloadDir] = process.argv.slice(2)
if (version === undefined || downloadDir === undefined) throw new Error('Usage: redis-build-main.ts <version> <folder>')
try {
  console.log(await RedisBinary.getPath({ version, downloadDir, systemBinary: '', ignoreDownloadCache: false }))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
