import { expect, it } from 'vitest'
import { isLater, isOver, judgeDisputes, type KnownDispute } from '../../../src/domain/disputes.ts'

const opened: KnownDispute = { status: 'needs_response', closed: false }
const won: KnownDispute = { status: 'won', closed: true }
const lost: KnownDispute = { status: 'lost', closed: true }

it.each([
  { name: 'none says nothing', disputes: [], says: null },
  { name: 'the only one counts', disputes: [won], says: 'closed: won' },
  { name: 'one that was lost counts before one that was won later', disputes: [lost, won], says: 'closed: lost' },
  { name: 'one that was lost counts before one that is open', disputes: [lost, opened], says: 'closed: lost' },
  { name: 'one that is open counts before one that was won', disputes: [opened, won], says: 'needs_response' },
  {
    name: 'of those that are open the one told of last counts',
    disputes: [opened, { status: 'under_review', closed: false }],
    says: 'under_review',
  },
  {
    name: 'one that has the money counts before an inquiry, which has none',
    disputes: [opened, { status: 'warning_needs_response', closed: false }],
    says: 'needs_response',
  },
  {
    name: 'of those that were closed in our favour the one told of last counts',
    disputes: [won, { status: 'warning_closed', closed: true }],
    says: 'closed: warning_closed',
  },
])('of the disputes of a payment, $name', ({ disputes, says }) => {
  expect(judgeDisputes(disputes)).toBe(says)
})

const inquiry: KnownDispute = { status: 'warning_needs_response', closed: false }
const inquiryClosed: KnownDispute = { status: 'warning_closed', closed: true }

it.each([
  { told: won, known: opened, later: true },
  { told: opened, known: won, later: false },
  { told: opened, known: opened, later: false },
  { told: won, known: won, later: false },
  { told: lost, known: opened, later: true },
  { told: lost, known: lost, later: false },
  { told: won, known: lost, later: true },
  { told: lost, known: won, later: false },
  { told: opened, known: lost, later: false },
  { told: inquiryClosed, known: inquiryClosed, later: false },
  { told: inquiryClosed, known: inquiry, later: true },
  { told: opened, known: inquiry, later: true },
  { told: opened, known: inquiryClosed, later: true },
  { told: lost, known: inquiryClosed, later: true },
  { told: inquiry, known: opened, later: false },
  { told: inquiryClosed, known: opened, later: false },
])('$told.status comes after $known.status: $later', ({ told, known, later }) => {
  expect(isLater(told, known)).toBe(later)
})

it.each(['won', 'lost', 'warning_closed', 'prevented'])('a dispute that is %s is over', (status) => {
  expect(isOver(status)).toBe(true)
})

it.each(['needs_response', 'warning_under_review', 'appeal_under_review', 'a word of tomorrow'])(
  'a dispute that is %s is not',
  (status) => {
    expect(isOver(status)).toBe(false)
  },
)
