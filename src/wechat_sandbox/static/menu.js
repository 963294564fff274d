// The menu bar at the bottom of the chat, and what its buttons ask the follower for.

import { h, icon } from './dom.js'
import { ICONS } from './icons.js'
import { t } from './language.js'

// `tap(path, more)` carries a tap off, `swap()` shows the row for writing instead.
export function createMenuBar({ tap, swap }) {
  const keyboard = h('button', { class: 'swap', type: 'button', 'aria-label': t.keyboard, title: t.keyboard, onclick: swap })
  keyboard.append(icon(ICONS.keyboard, 24))
  const items = h('div', { class: 'menu-items' })
  const element = h('nav', { class: 'menu-bar', 'aria-label': t.menu, hidden: true }, keyboard, items)
  let shown = ''

  function show(buttons) {
    const wanted = JSON.stringify(buttons)
    if (wanted === shown) return
    shown = wanted
    items.replaceChildren(...(buttons ?? []).map((button, index) => topButton(button, index)))
  }

  function topButton(button, index) {
    const below = button.sub_button ?? []
    if (!below.length) return plain(button, [index])
    const list = h('div', { class: 'below', hidden: true }, below.map((sub, place) => plain(sub, [index, place], close)))
    const head = h('button', { type: 'button', 'aria-expanded': 'false' }, h('span', { class: 'bars', 'aria-hidden': 'true' }, '≡ '), button.name)
    function close() {
      list.hidden = true
      head.setAttribute('aria-expanded', 'false')
    }
    head.addEventListener('click', () => {
      const opening = list.hidden
      closeLists()
      list.hidden = !opening
      head.setAttribute('aria-expanded', String(opening))
    })
    return h('div', { class: 'top' }, head, list)
  }

  function closeLists() {
    for (const list of items.querySelectorAll('.below')) list.hidden = true
    for (const head of items.querySelectorAll('[aria-expanded]')) head.setAttribute('aria-expanded', 'false')
  }

  // Whatever is tapped beside an open list closes it, and so does Escape.
  document.addEventListener('click', (event) => items.contains(event.target) || closeLists())
  document.addEventListener('keydown', (event) => event.key === 'Escape' && closeLists())

  function plain(button, path, done = () => {}) {
    const onclick = () => {
      done()
      const more = askFor(button.type)
      if (more === null) return
      if (button.type === 'view' && /^https?:/i.test(button.url)) window.open(button.url, '_blank', 'noreferrer')
      tap(path, more)
    }
    return h('div', { class: 'top' }, h('button', { type: 'button', onclick }, button.name))
  }

  return { element, show }
}

// A camera is played by a question; no answer means that the follower turned back.
function askFor(type) {
  if (type !== 'scancode_push' && type !== 'scancode_waitmsg') return {}
  const result = window.prompt(t.scanResult, 'EAN_13,6901234567892')
  if (result === null) return null
  return { scan_result: result, scan_type: /^[A-Z]+_?[0-9]*,/.test(result) ? 'barcode' : 'qrcode' }
}
