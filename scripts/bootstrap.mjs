// Runs before `npm start`, `npm test` and `npm run demo`: installs the packages when they are not those of
// package-lock.json. It runs on the machine's own Node, and before anything is installed.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InstallError, install } from './bootstrap-install.mjs'
import { takeLock } from './bootstrap-lock.mjs'
import { adoptInstallation, whyNotInstalled, writeStamp } from './bootstrap-state.mjs'

const OLDEST_NODE = 20
const root = dirname(dirname(fileURLToPath(import.meta.url)))

try {
  await main()
} catch (error) {
  console.error(error instanceof InstallError ? `\n${error.message}` : error)
  process.exitCode = error instanceof InstallError ? error.exitCode : 1
}

async function main() {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new InstallError(`Node ${OLDEST_NODE} or newer is needed to install; this is ${process.version}.`)
  }
  if (whyNotInstalled(root) === undefined) return
  const lock = await takeLock(join(root, '.local', 'install.lock'), (line) => console.log(line))
  try {
    // Another run may have installed while this one waited; or somebody ran `npm ci` by hand.
    const reason = whyNotInstalled(root)
    if (reason === undefined || adoptInstallation(root)) return
    await install(root, reason, lock.noteChild)
    writeStamp(root)
  } finally {
    lock.release()
  }
}
