import { createHash } from 'node:crypto'
import { Html, html } from '../../html.ts'
import type { Caller } from '../auth/caller.ts'
import { BOARD_PATH, SIGN_IN_PATH, SIGN_OUT_PATH } from './paths.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1f36; --soft: #596171; --card: #fff; --page: #f4f6f8; --line: #8792a2;
  --accent: #0a58ca; --bad: #8c1d18; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #a8b0bd; --card: #1c222b; --page: #12161c;
  --line: #6b7686; --accent: #4d8fe8; --bad: #ff9d96; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { width: min(24rem, 100% - 2rem); padding: 1.5rem; border-radius: .75rem; background: var(--card); }
h1 { margin: 0 0 1rem; font-size: 1.25rem; }
p { margin: 0 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
.problem { padding: .6rem .75rem; border: 1px solid var(--bad); border-radius: .4rem; color: var(--bad); }
label { display: block; font-weight: 600; }
input { display: block; width: 100%; margin: .3rem 0 1rem; padding: .6rem .75rem; border: 1px solid var(--line);
  border-radius: .4rem; background: var(--page); color: var(--ink); font: inherit; }
button, .button { display: block; width: 100%; padding: .65rem; border: 1px solid var(--accent); border-radius: .4rem;
  background: var(--accent); color: #fff; font: inherit; font-weight: 600; text-align: center; text-decoration: none;
  cursor: pointer; }
.second { margin-top: .75rem; background: none; color: var(--ink); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`

/** What the pages here may do: their one style sheet, and sending their form back to us. */
export const SIGN_IN_PAGE = {
  'style-src': [`'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`],
  'form-action': ["'self'"],
}

/**
 * The form that asks for a key.
 *
 * @param problem why the last attempt failed
 */
export function signInPage(problem: string | null): string {
  return page(
    'Sign in',
    html`${problem === null ? null : html`<p class="problem" role="alert" id="problem">${problem}</p>`}
<form method="post" action="${SIGN_IN_PATH}">
<label for="key">API key</label>
<input id="key" name="key" type="password" required autofocus autocomplete="current-password" spellcheck="false"
 ${problem === null ? null : html`aria-invalid="true" aria-describedby="problem"`}>
<button type="submit">Sign in</button>
</form>`,
  )
}

/** What somebody who is signed in sees instead. */
export function signedInPage({ name, role }: Caller): string {
  return page(
    'Signed in',
    html`<p>Signed in with the key <strong>${name}</strong> (${role}).</p>
<a class="button" href="${BOARD_PATH}">Open the queues</a>
<form method="post" action="${SIGN_OUT_PATH}"><button class="second" type="submit">Sign out</button></form>`,
  )
}

function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Lead Unlock queues</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<h1>Lead Unlock queues</h1>
${content}
</main>
</body>
</html>
`.markup
}
