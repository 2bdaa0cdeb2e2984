import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One line of the report. */
export type Figure = {
  figure: string
  /** What was measured, with its unit. */
  value: string
  /** What it was measured against in the same run, with its unit. */
  against?: string
  /** value / against, or the other way round where less is better: see the figure's own words. */
  ratio?: number
  /** What it should reach, as text: `≥ 0.75`. */
  reach?: string
  /** Whether it does; absent when nothing is asked. */
  reached?: boolean
}

/** Writes `results.md` and `results.json` into a folder. */
export function writeReport(dir: string, figures: readonly Figure[], machine: string): void {
  writeFileSync(join(dir, 'results.json'), `${JSON.stringify({ machine, figures }, null, 2)}\n`)
  writeFileSync(join(dir, 'results.md'), markdown(figures, machine))
}

export function markdown(figures: readonly Figure[], machine: string): string {
  const rows = figures.map((one) => {
    const ratio = one.ratio === undefined ? '' : one.ratio.toFixed(2)
    const reach = one.reach === undefined ? '' : `${one.reach} ${one.reached === true ? '✓' : '✗'}`
    return `| ${one.figure} | ${one.value} | ${one.against ?? ''} | ${ratio} | ${reach} |`
  })
  return [
    '# Benchmark',
    '',
    machine,
    '',
    '| figure | measured | against | ratio | reach |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

/** A ratio that must be at least (`≥`) or at most (`≤`) something. */
export function judged(ratio: number, sign: '≥' | '≤', bound: number): Pick<Figure, 'ratio' | 'reach' | 'reached'> {
  return { ratio, reach: `${sign} ${bound}`, reached: sign === '≥' ? ratio >= bound : ratio <= bound }
}
