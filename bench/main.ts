import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { FULL, SMOKE } from './figure.ts'
import { writeReport } from './report.ts'
import { takeFigures } from './run.ts'

const NAMES = ['idle', 'stories', 'reveals', 'webhooks', 'latency', 'analytics', 'volume', 'memory']
const USAGE = `npm run bench -- [--only ${NAMES.join(',')}] [--smoke]`

/** Takes the figures and writes them beside this file; a part of them, or small ones, are only printed. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, smoke: { type: 'boolean', default: false } } })
  const only = values.only?.split(',')
  if (only?.some((name) => !NAMES.includes(name))) throw new Error(`usage: ${USAGE}`)
  const sizes = values.smoke ? SMOKE : FULL
  const figures = await takeFigures({
    sizes,
    durable: !values.smoke,
    ...(only === undefined ? {} : { only }),
    log: (line) => console.log(line),
  })
  if (only === undefined && !values.smoke) writeReport(import.meta.dirname, figures, machine())
}

function machine(): string {
  const [first] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${memory} GB, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`
}

await main()
