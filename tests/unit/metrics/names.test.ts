import { expect, it } from 'vitest'
import { metricsOf, PROCESS_METRICS } from '../../support/registries.ts'

const ours = metricsOf().filter(({ name }) => !PROCESS_METRICS.test(name))

it.each(ours.map((metric) => [metric.name, metric] as const))(
  '%s keeps to the naming of Prometheus',
  (name, metric) => {
    expect(name).toMatch(/^lead_unlock_[a-z_]+$/)
    expect(metric.help).toMatch(/^[A-Z0-9].*[^.]$/)
    expect(name.endsWith('_total')).toBe(metric.type === 'counter')
    if (metric.type === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(name).not.toMatch(/_(ms|millis|minutes|count|sum|bucket)$/)
  },
)

it('no label can take a value that nobody knows beforehand, such as an id, a URL or a number', () => {
  const labels = new Set(ours.flatMap(({ labelNames }) => labelNames))
  expect([...labels].sort()).toEqual([
    'gateway',
    'granted',
    'kind',
    'method',
    'node',
    'operation',
    'outcome',
    'purpose',
    'queue',
    'result',
    'role',
    'route',
    'send_class',
    'source',
    'state',
    'status',
    'version',
    'work',
  ])
})
