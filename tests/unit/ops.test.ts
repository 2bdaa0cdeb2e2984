import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ESCALATION_KINDS, type EscalationKind } from '../../src/db/escalations/escalations.ts'
import { metricsOf } from '../support/registries.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const metrics = new Map(metricsOf().map((metric) => [metric.name, metric]))

/** Labels that Prometheus adds: who was scraped, and the bound of a bucket. */
const OF_PROMETHEUS = ['job', 'instance', 'le']

type Named = { metric: string; labels: string[] }

/** The metrics that an expression names, each with the labels that it is chosen by. */
function namedIn(expression: string): Named[] {
  const found = expression.matchAll(/\b((?:lead_unlock|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)
  return [...found].map(([, metric = '', matchers = '']) => ({
    metric,
    labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label),
  }))
}

/** What is wrong with an expression: metrics that nobody shows, and labels that they do not have. */
function mistakes(expression: string): string[] {
  const named = namedIn(expression)
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/))
  const known = named.flatMap(({ metric }) => labelsOf(metric) ?? [])
  return [
    ...named.flatMap(({ metric, labels }) => {
      const there = labelsOf(metric)
      if (there === null) return [`no metric ${metric}`]
      return labels.filter((label) => !there.includes(label)).map((label) => `${metric} has no label ${label}`)
    }),
    ...grouped.filter((label) => !known.includes(label)).map((label) => `no label ${label} in ${expression}`),
  ]
}

function labelsOf(sample: string): string[] | null {
  const [, base, suffix] = /^(.*?)(_bucket|_count|_sum)?$/.exec(sample) ?? []
  const metric = metrics.get(sample) ?? metrics.get(base ?? '')
  if (metric === undefined || (suffix !== undefined && metric.type !== 'histogram')) return null
  if (suffix === undefined && metric.type === 'histogram') return null
  return [...metric.labelNames, ...OF_PROMETHEUS]
}

type Rule = { alert: string; expr: string; labels: { severity: string }; annotations: Record<string, string> }
const alerts: { groups: { rules: Rule[] }[] } = parse(read('ops/prometheus/alerts.yml'))
const rules = alerts.groups.flatMap((group) => group.rules)

/** Of the others a person hears by the alert of the escalation itself, and by a ticket once it is old. */
const WAKES_SOMEBODY: Record<EscalationKind, boolean> = {
  reveal_failed: true,
  reveal_undeliverable: true,
  teaser_failed: false,
  payment_link_failed: true,
  message_refused: false,
  // The next four are refunds that go by themselves: one that does not is `refund_failed`.
  paid_after_opt_out: false,
  opted_out_before_reveal: false,
  paid_after_erasure: false,
  second_payment: false,
  wrong_amount: true,
  unknown_unlock: true,
  refund_failed: true,
  link_not_closed: true,
  dispute: true,
  unintelligible_webhook: false,
  inbox_failed: true,
  forward_failed: false,
  unsubscribe_failed: false,
  expire_failed: false,
  // It may be a refund, or an event of Stripe.
  stuck: true,
}

/** Anchors of a document, as GitHub makes them of its headings. */
const anchors = (markdown: string) =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

describe('the alert rules', () => {
  const runbook = anchors(read('docs/runbook.md'))

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s asks for what is measured, and is explained',
    (name, rule) => {
      const asksUp = /\bup\{/.test(rule.expr)
      expect(namedIn(rule.expr).length > 0 || asksUp).toBe(true)
      expect(mistakes(rule.expr)).toEqual([])
      expect(['page', 'ticket']).toContain(rule.labels.severity)
      expect(rule.annotations.summary).toMatch(/./)
      expect(rule.annotations.runbook_url).toBe(`docs/runbook.md#${name.toLowerCase()}`)
      expect(runbook).toContain(name.toLowerCase())
    },
  )

  it('wake somebody for the kinds of escalations behind which money or a waiting person may be, and for no other', () => {
    const kinds = rules.flatMap(({ expr }) => /kind=~"([^"]*)"/.exec(expr)?.[1]?.split('|') ?? [])
    expect(kinds.toSorted()).toEqual(ESCALATION_KINDS.filter((kind) => WAKES_SOMEBODY[kind]).toSorted())
  })

  it('are read by the example configuration, which scrapes the jobs they ask for', () => {
    const config: { rule_files: string[]; scrape_configs: { job_name: string }[] } = parse(
      read('ops/prometheus/prometheus.yml'),
    )
    expect(config.rule_files).toEqual(['alerts.yml'])
    const jobs = config.scrape_configs.map(({ job_name }) => job_name)
    const asked = rules.flatMap(({ expr }) => [...expr.matchAll(/job="([^"]*)"/g)].map(([, job = '']) => job))
    expect(new Set(asked)).toEqual(new Set(jobs))
  })
})

describe('the dashboard', () => {
  type Panel = { title: string; type: string; targets?: { expr: string; legendFormat: string }[] }
  const dashboard: { panels: Panel[] } = JSON.parse(read('ops/grafana/lead-unlock.json'))
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  it.each(panels.map((panel) => [panel.title, panel] as const))(
    '%s shows what is measured',
    (_title, { targets = [] }) => {
      expect(targets.length).toBeGreaterThan(0)
      for (const { expr, legendFormat } of targets) {
        expect(namedIn(expr).length).toBeGreaterThan(0)
        expect(mistakes(expr)).toEqual([])
        const known = [...namedIn(expr).flatMap(({ metric }) => labelsOf(metric) ?? [])]
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(known).toContain(label)
      }
    },
  )
})

describe('docs/metrics.md', () => {
  it('explains every metric of ours, and no other', () => {
    const explained = [...read('docs/metrics.md').matchAll(/`(lead_unlock_\w+)`/g)].map(([, name]) => name)
    const ours = [...metrics.keys()].filter((name) => name.startsWith('lead_unlock_'))
    expect([...new Set(explained)].sort()).toEqual(ours.sort())
  })
})

describe('a mistake in an expression', () => {
  it.each([
    ['lead_unlock_no_such_total', 'no metric lead_unlock_no_such_total'],
    ['rate(lead_unlock_job_wait_seconds[5m])', 'no metric lead_unlock_job_wait_seconds'],
    ['lead_unlock_jobs_total_count', 'no metric lead_unlock_jobs_total_count'],
    ['lead_unlock_jobs_total{kind="x"}', 'lead_unlock_jobs_total has no label kind'],
    ['sum by (kind) (lead_unlock_jobs_total)', 'no label kind in sum by (kind) (lead_unlock_jobs_total)'],
  ])('%s is noticed', (expression, mistake) => {
    expect(mistakes(expression)).toEqual([mistake])
  })
})
