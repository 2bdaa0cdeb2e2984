import { readFile } from 'node:fs/promises'
import { html } from '../../html.ts'

export type Link = { title: string; url: string }

/**
 * Makes the phones page: one document with its own style and script, loading nothing else. Returns how to render it
 * with a fresh nonce for each answer: the page's content policy runs only what carries it. Throws when a link is
 * neither an http(s) address nor a path.
 */
export async function loadPage(links: readonly Link[]): Promise<(nonce: string) => string> {
  const [page, css, script] = await Promise.all(
    ['page.html', 'page.css', 'page.js'].map((file) => readFile(new URL(file, import.meta.url), 'utf8')),
  )
  const anchors = links.map(anchor).join(' ')
  return (nonce) =>
    fill(page ?? '', {
      style: `<style nonce="${nonce}">${css}</style>`,
      script: `<script nonce="${nonce}">${script}</script>`,
      links: anchors,
    })
}

/** Puts each part where the document has a comment of its name. */
function fill(page: string, parts: Record<string, string>): string {
  return page.replace(/<!-- (\w+) -->/g, (comment, name) => parts[name] ?? comment)
}

/** The content policy that goes with a page rendered with `nonce`. */
export function contentPolicy(nonce: string): string {
  const own = `'nonce-${nonce}'`
  return `default-src 'none'; script-src ${own}; style-src ${own}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'`
}

function anchor({ title, url }: Link): string {
  if (!/^(https?:\/\/|\/)/.test(url))
    throw new Error(`The phones page links to http(s) addresses and paths only: ${url}`)
  return html`<a href="${url}" target="_blank" rel="noopener noreferrer">${title}</a>`.markup
}
