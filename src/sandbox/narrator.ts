import { SAMPLE_PROVIDERS } from './sample.ts'
import type { TextMagicEmulator } from './textmagic/types.ts'

/** Prints every SMS as it goes to or comes from a virtual phone. Returns how to stop. */
export function narrateMessages(textmagic: TextMagicEmulator, print: (line: string) => void): () => void {
  let sent = textmagic.messages().length
  let received = textmagic.replies().length
  return textmagic.onChange(() => {
    for (const { from, text } of textmagic.replies().slice(received)) print(bubble(`${nameOf(from)} texts`, text))
    received = textmagic.replies().length
    for (const { phone, text } of textmagic.messages().slice(sent)) print(bubble(`SMS to ${nameOf(phone)}`, text))
    sent = textmagic.messages().length
  })
}

function bubble(title: string, text: string): string {
  return ['', `  ${title}`, ...text.split('\n').map((line) => `  | ${line}`)].join('\n')
}

function nameOf(digits: string): string {
  const provider = SAMPLE_PROVIDERS.find(({ phone }) => phone === `+${digits}`)
  return provider === undefined ? `+${digits}` : `${provider.name} (${provider.phone})`
}
