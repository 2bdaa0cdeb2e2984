import { spawn, spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join, sep } from 'node:path'
import { signalGroup } from './bootstrap-lock.mjs'

const ARGUMENTS = [
  'ci',
  // Whatever the machine's settings or NODE_ENV say: the commands that install need all of it.
  ...['--include=dev', '--include=optional', '--include=peer', '--ignore-scripts=false'],
  // Under an older Node, npm warns about dozens of packages that are then run by Node 24.
  ...['--loglevel=error', '--no-progress'],
]
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const SPIN_EVERY_MS = 100
const LINE_EVERY_MS = 10_000

/** What went wrong, in words for a person. */
export class InstallError extends Error {
  /**
   * @param {string} message
   * @param {number} exitCode
   */
  constructor(message, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/**
 * Runs `npm ci` in `root`, showing that it goes on, and its output when it fails.
 * @param {string} root
 * @param {string} reason why, for a person
 * @param {(pid: number) => void} onStart told npm's pid, which is also that of its process group
 * @throws {InstallError} when npm fails, or is interrupted
 */
export async function install(root, reason, onStart) {
  console.log(`Installing packages (${reason}). The first time takes about a minute.`)
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 1000)
  const stopProgress = showProgress(seconds)
  const result = await runNpm(root, onStart).finally(stopProgress)
  if (result.interrupted !== undefined) {
    throw new InstallError('Installation interrupted; the next start begins it anew.', result.interrupted)
  }
  if (result.code !== 0) {
    throw new InstallError(
      [
        result.output.trim(),
        `\`npm ci\` failed after ${seconds()} s (${result.code === null ? result.signal : `exit code ${result.code}`}).`,
        'Is the package registry reachable? Run the same command again to try again.',
      ].join('\n\n'),
    )
  }
  checkNode(root, result.output)
  console.log(`Packages installed in ${seconds()} s.`)
}

/**
 * @param {string} root
 * @param {(pid: number) => void} onStart
 * @returns {Promise<{ code: number | null, signal: string | null, output: string, interrupted?: number }>}
 */
function runNpm(root, onStart) {
  const { command, args, env } = npmCommand(root)
  return new Promise((resolve, reject) => {
    // Its own process group: whoever takes over after a killed run can end npm and all it started.
    const npm = spawn(command, [...args, ...ARGUMENTS], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    let interrupted
    for (const stream of [npm.stdout, npm.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk
      })
    }
    const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
      interrupted = signal === 'SIGINT' ? 130 : 143
      if (npm.pid !== undefined) signalGroup(npm.pid, 'SIGTERM')
    }
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
    const settle = () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    npm.on('spawn', () => onStart(npm.pid ?? 0))
    npm.on('error', (error) => {
      settle()
      reject(new InstallError(`npm could not be started: ${error.message}`))
    })
    npm.on('close', (code, signal) => {
      settle()
      resolve({ code, signal, output, interrupted })
    })
  })
}

/**
 * npm on a Node that `npm ci` does not delete: once installed, the first `node` on the PATH of an npm script is the
 * one in node_modules.
 * @param {string} root
 */
function npmCommand(root) {
  const modules = join(realpathSync(root), 'node_modules') + sep
  const outside = (/** @type {string} */ path) => !(path + sep).startsWith(modules)
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !isWithin(folder, outside))
  const env = { ...process.env, PATH: folders.join(delimiter) }
  const npm = process.env.npm_execpath
  if (npm === undefined || !/\.c?js$/.test(npm)) return { command: 'npm', args: [], env }
  const own = realpathSync(process.execPath)
  const node = outside(own) ? own : folders.map((folder) => join(folder, 'node')).find((path) => existsSync(path))
  return { command: node ?? own, args: [npm], env }
}

/**
 * @param {string} folder
 * @param {(path: string) => boolean} outside
 */
function isWithin(folder, outside) {
  return existsSync(folder) && !outside(realpathSync(folder))
}

/**
 * @param {string} root
 * @param {string} output
 */
function checkNode(root, output) {
  const { status, stdout } = spawnSync(join(root, 'node_modules', '.bin', 'node'), ['--version'], { encoding: 'utf8' })
  if (status === 0 && stdout.startsWith('v')) return
  throw new InstallError(
    [
      output.trim(),
      'The packages are installed, but Node 24 is not: the `node` package has none for ' +
        `${process.platform} on ${process.arch}, or npm did not let it run its install script.`,
    ].join('\n\n'),
  )
}

/**
 * A spinner on a terminal; elsewhere, as in a CI log, a line now and then.
 * @param {() => number} seconds
 * @returns {() => void} ends it
 */
function showProgress(seconds) {
  const terminal = process.stdout.isTTY
  let turn = 0
  const show = () => {
    const line = `installing … ${seconds()} s`
    if (!terminal) console.log(line)
    else process.stdout.write(`\r${SPINNER[turn++ % SPINNER.length]} ${line}`)
  }
  const timer = setInterval(show, terminal ? SPIN_EVERY_MS : LINE_EVERY_MS)
  return () => {
    clearInterval(timer)
    if (terminal) process.stdout.write('\r\u001b[K')
  }
}
