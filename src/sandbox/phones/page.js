const phones = document.getElementById('phones')
const template = document.getElementById('phone-template')
const connection = document.getElementById('connection')

const statusWords = {
  q: 'on its way',
  s: 'scheduled',
  r: 'sent',
  a: 'on its way',
  b: 'on its way',
  d: 'delivered',
  f: 'failed',
  e: 'failed',
  j: 'rejected',
  u: 'unknown',
  g: 'rejected',
}
const failed = new Set(['f', 'e', 'j', 'u', 'g'])

let refreshing = false
let refreshAgain = false

/** Fetches and shows everything; a change that comes meanwhile is fetched afterwards, never in between. */
async function refresh() {
  if (refreshing) {
    refreshAgain = true
    return
  }
  refreshing = true
  try {
    const response = await fetch('/sandbox/messages')
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const state = await response.json()
    showAll(state.phones)
    showConnection('live')
  } catch (error) {
    console.error('The sandbox did not answer', error)
    showConnection('lost')
  }
  refreshing = false
  if (refreshAgain) {
    refreshAgain = false
    await refresh()
  }
}

function showConnection(state) {
  connection.dataset.state = state
  connection.textContent = state
}

/** Follows the newest text of each phone, but where somebody reads further up. */
function showAll(shown) {
  const lists = () => [...phones.querySelectorAll('.messages')]
  const readAbove = new Set(lists().filter((list) => list.scrollHeight - list.scrollTop - list.clientHeight >= 40))
  const numbers = new Set(shown.map(({ phone }) => phone))
  for (const column of [...phones.children]) if (!numbers.has(column.dataset.phone)) column.remove()
  for (const phone of shown) show(phone)
  // Only now: each column that was added has made the others narrower, and their texts longer.
  for (const list of lists()) if (!readAbove.has(list)) list.scrollTop = list.scrollHeight
}

function show(phone) {
  const column = phones.querySelector(`[data-phone="${CSS.escape(phone.phone)}"]`) ?? addColumn(phone)
  nameOwner(column, phone)
  column.querySelector('[data-testid="unsubscribed"]').hidden = !phone.unsubscribed
  const list = column.querySelector('.messages')
  for (const [index, message] of phone.messages.entries()) showMessage(list, message, index)
}

/** Again at each refresh: a number may change hands, and belong to somebody only after its first text. */
function nameOwner(column, { id, name }) {
  column.dataset.provider = id
  column.setAttribute('aria-label', `Phone of ${name}`)
  column.querySelector('h2').textContent = name
  column.querySelector('.messages').setAttribute('aria-label', `Messages of ${name}`)
  column.querySelector('input').setAttribute('aria-label', `Text message from ${name}`)
  column.querySelector('form button').setAttribute('aria-label', `Send as ${name}`)
  for (const button of column.querySelectorAll('[data-reply]')) {
    button.setAttribute('aria-label', `Reply ${button.dataset.reply} as ${name}`)
  }
}

function addColumn(phone) {
  const column = template.content.cloneNode(true).querySelector('section')
  column.dataset.phone = phone.phone
  column.dataset.testid = 'phone'
  column.querySelector('.number').textContent = phone.phone
  const input = column.querySelector('input')
  for (const button of column.querySelectorAll('[data-reply]')) {
    button.addEventListener('click', () => send(column, button.dataset.reply))
  }
  column.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault()
    const text = input.value
    if (text.trim() !== '' && (await send(column, text))) input.value = ''
  })
  phones.append(column)
  return column
}

/** Texts as the column's owner; answers whether the gateway took it, and says what went wrong otherwise. */
async function send(column, text) {
  const problem = column.querySelector('[data-testid="problem"]')
  problem.hidden = true
  try {
    const response = await fetch('/sandbox/replies', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from: column.dataset.phone, text }),
    })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const { status } = await response.json()
    if (status !== null && status !== 200) showProblem(problem, `The webhook answered ${status}; it is tried again.`)
    await refresh()
    return true
  } catch (error) {
    showProblem(problem, `Not sent: ${error.message}`)
    return false
  }
}

function showProblem(problem, text) {
  problem.textContent = text
  problem.hidden = false
}

function showMessage(list, message, index) {
  const bubble = list.querySelector(`[data-key="${CSS.escape(message.key)}"]`) ?? addBubble(list, message, index)
  bubble.dataset.status = message.status ?? ''
  bubble.dataset.failed = String(failed.has(message.status))
  bubble.querySelector('.note').textContent = noteOf(message)
}

function addBubble(list, message, index) {
  const bubble = document.createElement('li')
  bubble.className = 'bubble'
  bubble.dataset.testid = 'message'
  bubble.dataset.key = message.key
  bubble.dataset.direction = message.direction
  const text = document.createElement('span')
  text.className = 'text'
  text.dataset.testid = 'message-text'
  text.append(...withLinks(message.text))
  const note = document.createElement('span')
  note.className = 'note'
  bubble.append(text, note)
  list.insertBefore(bubble, list.children[index] ?? null)
  return bubble
}

/** The text as nodes, never as markup: it holds what strangers wrote. Web addresses become links. */
function withLinks(text) {
  return text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]])/).map((part, index) => {
    if (index % 2 === 0) return document.createTextNode(part)
    const link = document.createElement('a')
    link.href = part
    link.target = '_blank'
    link.rel = 'noopener noreferrer'
    link.textContent = part
    return link
  })
}

function noteOf({ at, status, reject_reason: reason }) {
  const time = new Date(at).toLocaleTimeString()
  if (status === null) return time
  const blocked = reason === 'g' ? ': unsubscribed' : reason === null ? '' : `: ${reason}`
  return `${time} · ${statusWords[status] ?? status}${blocked}`
}

const events = new EventSource('/sandbox/events')
events.addEventListener('open', refresh)
events.addEventListener('change', refresh)
events.addEventListener('error', () => showConnection('lost'))
// Providers come and go without a text being sent, which no event tells.
setInterval(refresh, 5_000)
void refresh()
