import fc from 'fast-check'
import { type Message, type Step, World } from './transition-world.ts'

type Action = { run: (world: World) => void; [fc.toStringMethod]: () => string }

function named(name: string, run: (world: World) => void): Action {
  return { run, [fc.toStringMethod]: () => name }
}

function fixed(weight: number, one: Action): fc.WeightedArbitrary<Action> {
  return { weight, arbitrary: fc.constant(one) }
}

function can(weight: number, name: string, run: (world: World) => void): fc.WeightedArbitrary<Action> {
  return fixed(weight, named(name, run))
}

function canWith<T>(
  weight: number,
  name: string,
  values: fc.Arbitrary<T>,
  run: (world: World, value: T) => void,
): fc.WeightedArbitrary<Action> {
  return { weight, arbitrary: values.map((value) => named(`${name} ${value}`, (world) => run(world, value))) }
}

/** A message, counted from the newest. */
function message({ messages }: World, age: number): Message {
  return messages[messages.length - 1 - (age % messages.length)] ?? { purpose: 'teaser', status: 'failed', link: null }
}

const age = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat({ max: 5 }) })
const outcome = fc.constantFrom('accepted' as const, 'unknown' as const, 'absent' as const, 'failed' as const)
const latePayment = fc.constantFrom('reveal' as const, 'refund' as const)

/** The newest message goes out and is accepted, as most do. */
const send = named('send', (world) => {
  world.claim(message(world, 0))
  world.outcome(message(world, 0), 'accepted')
})
const yes = named('Y', (world) => world.reply('reply_yes'))
const no = named('N', (world) => world.reply('reply_no'))
const createLink = named('create link', (world) => world.createLink())
const pay = named('pay', (world) => world.pay(0, 'reveal'))

const action: fc.Arbitrary<Action> = fc.oneof(
  fixed(6, send),
  canWith(5, 'claim', age, (world, which) => world.claim(message(world, which))),
  canWith(6, 'outcome', fc.tuple(age, outcome), (world, [which, how]) => world.outcome(message(world, which), how)),
  fixed(5, yes),
  fixed(2, no),
  fixed(4, createLink),
  canWith(5, 'pay', fc.tuple(fc.nat({ max: 2 }), latePayment, fc.boolean()), (world, payment) => world.pay(...payment)),
  can(1, 'STOP', (world) => world.stop()),
  can(1, 'START', (world) => world.start()),
  can(1, 'ttl passes', (world) => world.passTtl()),
  can(1, 'ttl job', (world) => void world.apply({ type: 'ttl' })),
  can(1, 'admin expires', (world) => void world.apply({ type: 'admin_expire' })),
  can(2, 'money back', (world) => world.giveBack()),
  can(1, 'reveal job', (world) => world.retryReveal()),
  can(2, 'confirmed', (world) => void world.apply({ type: 'reveal_confirmed' })),
)

/** Ways to begin, so that the late states get as many random actions as the early ones. */
const beginning = fc.constantFrom<Action[]>(
  [],
  [send, yes],
  [send, yes, createLink, send],
  [send, yes, createLink, send, no, yes, createLink],
  [send, yes, createLink, send, pay],
  [send, yes, createLink, send, pay, send],
)

const history = fc
  .tuple(beginning, fc.array(action, { maxLength: 40, size: 'max' }))
  .map(([first, then]) => [...first, ...then])

/** Runs random histories: after each action `holds` must be true of the world and of the decisions the action led to. */
export function always(holds: (world: World, steps: readonly Step[]) => boolean): void {
  fc.assert(
    fc.property(history, (actions) => {
      const world = new World()
      return actions.every(({ run }) => {
        const before = world.steps.length
        run(world)
        return holds(world, world.steps.slice(before))
      })
    }),
    { numRuns: 1500 },
  )
}

/** Runs random histories: at the end of each, `holds` must be true of the world. */
export function eventually(holds: (world: World) => boolean): void {
  fc.assert(
    fc.property(history, (actions) => holds(after(actions))),
    { numRuns: 1500 },
  )
}

/** The worlds that the same random histories lead to each time. */
export function sampleWorlds(): World[] {
  return fc.sample(history, { numRuns: 1500, seed: 1 }).map(after)
}

function after(actions: readonly Action[]): World {
  const world = new World()
  for (const { run } of actions) run(world)
  return world
}
