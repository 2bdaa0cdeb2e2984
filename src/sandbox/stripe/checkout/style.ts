/** The style sheet of every checkout page, inline so that a page needs nothing else. */
export const style = `
:root { color-scheme: light; --ink: #1a1f36; --soft: #596171; --line: #d5dbe1; --accent: #0a58ca; --page: #f6f8fa; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 28rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
.test { margin: 0; padding: .4rem 1rem; background: #ffe9b8; color: #5c3d00; font-size: .85rem; text-align: center; }
.card { background: #fff; border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; }
.summary { padding: 0 .25rem 1.25rem; }
.merchant { margin: 0; color: var(--soft); font-weight: 600; }
h1 { margin: .75rem 0 0; font-size: 1.1rem; font-weight: 500; overflow-wrap: anywhere; }
.amount { margin: 0; font-size: 2.25rem; font-weight: 700; line-height: 1.3; }
.soft { margin: .25rem 0 0; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
label { display: block; margin-bottom: 1rem; font-size: .9rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: .3rem; padding: .65rem .75rem; border: 1px solid #8792a2;
  border-radius: .4rem; background: #fff; color: var(--ink); font: inherit; font-weight: 400; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid #86b7fe; outline-offset: 1px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
button { width: 100%; padding: .8rem; border: 0; border-radius: .4rem; background: var(--accent); color: #fff;
  font: inherit; font-weight: 600; cursor: pointer; }
button:hover { background: #084298; }
.after { margin: 1rem 0 0; text-align: center; }
a { color: var(--accent); }
.problem { margin: 0 0 1rem; padding: .75rem; border: 1px solid #b3261e; border-radius: .4rem; color: #8c1d18; }
.notice { text-align: center; padding: 2rem 1.5rem; }
.mark { display: inline-grid; place-items: center; width: 3rem; height: 3rem; border-radius: 50%; font-size: 1.5rem; }
.mark.done { background: #d1f0dd; color: #0b6b34; }
.mark.off { background: #e9ecef; color: var(--soft); }
.notice h1 { font-size: 1.35rem; font-weight: 700; }
`
