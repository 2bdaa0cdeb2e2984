/** The samples of a scrape: `name{label="value"}`, labels in the order of the alphabet, to its value. */
export type Scrape = {
  samples: Map<string, number>
  /** The value of one sample; undefined when it is not there. Labels in any order. */
  value(name: string, labels?: Record<string, string>): number | undefined
}

/** Reads Prometheus' text format, as far as our metrics use it. @throws on a line that is neither a sample nor a comment */
export function readScrape(text: string): Scrape {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    // `Nan` is what the library writes; Prometheus reads it in any case.
    if (name === undefined || (Number.isNaN(Number(value)) && !/^nan$/i.test(value ?? '')))
      throw new Error(`not a sample: ${line}`)
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, key = '', text = '']) => [key, text] as const,
    )
    samples.set(keyOf(name, Object.fromEntries(pairs)), Number(value))
  }
  return { samples, value: (name, labels = {}) => samples.get(keyOf(name, labels)) }
}

function keyOf(name: string, labels: Record<string, string>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${name}{${pairs.map(([key, value]) => `${key}="${value}"`).join(',')}}`
}
