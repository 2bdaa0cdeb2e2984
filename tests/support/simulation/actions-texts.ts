import { mailOfReply } from './mail-bodies.ts'
import type { SimulatedProvider, World } from './world.ts'

type Said =
  | 'yes'
  | 'no'
  | 'stop'
  | 'stop unknown to the gateway'
  | 'start'
  | 'unstop'
  | 'help'
  | 'lead'
  | 'tapback'
  | 'other'

/** A provider texts something. */
export function text(world: World): void {
  const { random } = world
  const provider = random.pick(world.providers)
  const said = random.weighted<Said>([
    [14, 'yes'],
    [2.5, 'no'],
    [1, 'stop'],
    [0.5, 'stop unknown to the gateway'],
    [0.5, 'start'],
    [1, 'unstop'],
    [0.5, 'help'],
    [0.5, 'lead'],
    [0.5, 'tapback'],
    [0.7, 'other'],
  ])
  say(world, provider, said)
}

/** A provider who has a teaser answers yes to it. */
export function acceptOffer(world: World): void {
  const teasers = world.accepted.filter(({ purpose }) => purpose === 'teaser')
  if (teasers.length === 0) return
  const { phone } = world.random.pick(teasers)
  const provider = world.providers.find((one) => one.phone.slice(1) === phone)
  if (provider !== undefined) say(world, provider, 'yes')
}

function say(world: World, { id, phone }: SimulatedProvider, said: Said): void {
  const { random, textmagic } = world
  // A few come from a number nobody knows, or that its provider has left.
  const left = world.numbers.filter(({ leftAt }) => leftAt !== null)
  const from =
    said === 'other' && random.chance(0.3)
      ? '15559999999'
      : (left.length > 0 && random.chance(0.15) ? random.pick(left).phone : phone).slice(1)
  const reply = textmagic.account.receive({ from, to: '15557770000', text: words(world, said) })
  world.steps.push(`${id} texts ${said} from ${from} (${reply.id})`)
  world.mail.push(mailOfReply(reply))
}

function words(world: World, said: Said): string {
  const { random, leads } = world
  const lead = leads.length > 0 && random.chance(0.9) ? random.pick(leads).id : `lead_${random.letters(8)}`
  switch (said) {
    case 'yes':
      return random.pick(['Y', 'yes', ` y! `, `Y ${lead}`, `${lead} yes`])
    case 'no':
      return random.pick(['N', 'no', `N ${lead}`])
    case 'stop':
      return random.pick(['STOP', 'stop', 'Unsubscribe'])
    case 'stop unknown to the gateway':
      return random.pick(['REVOKE', 'opt out', 'stop stop'])
    case 'start':
      return 'START'
    case 'unstop':
      return 'UNSTOP'
    case 'help':
      return 'help'
    case 'lead':
      return `what is ${lead}`
    case 'tapback':
      return `Liked “Amy, new client inquiry in Miami. Reply Y to unlock. Lead ${lead}.”`
    case 'other':
      return 'Can I move my appointment?'
  }
}
