// `npm run audit`: asks the registry for known vulnerabilities in the packages of production, as package-lock.json has
// them. `npm audit` itself ends with 1 both when it found some and when it could not ask, and with 0 when it is told to
// stay offline; here the exit codes are
//   0  asked, and none is high or critical
//   1  asked, and some are: each is named
//   2  could not be checked
// Arguments go to npm: `npm run audit -- --registry=<one that has an audit endpoint>`.
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const ARGUMENTS = [
  ...['audit', '--json', '--package-lock-only', '--omit=dev', '--loglevel=silent'],
  // Offline, npm asks nobody and finds nothing.
  '--offline=false',
]
const SEVERE = ['high', 'critical']
const root = dirname(dirname(fileURLToPath(import.meta.url)))

process.exitCode = main(process.argv.slice(2))

/**
 * @param {string[]} args
 * @returns {number} the exit code
 */
function main(args) {
  const npm = process.env.npm_execpath
  const [command, first] = npm !== undefined && /\.c?js$/.test(npm) ? [process.execPath, [npm]] : ['npm', []]
  const { stdout, error } = spawnSync(command, [...first, ...ARGUMENTS, ...args], { cwd: root, encoding: 'utf8' })
  const report = error === undefined ? parse(stdout) : { message: `npm could not be started: ${error.message}` }
  const audited = Number(report?.metadata?.dependencies?.prod)
  if (report?.auditReportVersion !== 2 || !(audited > 0)) {
    console.error(`Could not be checked: ${report?.message ?? 'npm gave no report'}.`)
    console.error('Is the registry reachable, and has it an audit endpoint? Another: npm run audit -- --registry=<url>')
    return 2
  }
  const severe = Object.values(report.vulnerabilities).filter(({ severity }) => SEVERE.includes(severity))
  for (const { name, severity, range, via } of severe) {
    console.error(`${severity}: ${name} ${range}: ${via.map(reason).join('; ')}`)
  }
  const { total } = report.metadata.vulnerabilities
  console.log(
    `${audited} packages: ${severe.length} with high or critical vulnerabilities, ${total - severe.length} with others.`,
  )
  return severe.length > 0 ? 1 : 0
}

/** @param {string | { title: string, url: string }} via a vulnerability, or the package that has it */
function reason(via) {
  return typeof via === 'string' ? `through ${via}` : `${via.title} (${via.url})`
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
