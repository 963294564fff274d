// What the back offices of accounts and platforms are made of: cards, fields and tables that follow what happens.

import { h } from './dom.js'
import { fullTime, t } from './language.js'

const opened = new Set()

export function card(title, aside, ...content) {
  return h('section', { class: 'card', 'aria-label': title }, h('h2', {}, title, aside ?? null), ...content)
}

export function field(label, input, beside) {
  return h('div', { class: 'field' }, h('label', { for: input.id }, label), h('div', {}, input, beside ?? null))
}

export function copyButton(value) {
  const button = h('button', { class: 'plain', type: 'button' }, t.copy)
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(value)
    button.textContent = t.copied
  })
  return button
}

export function showResult(element, text, kind) {
  element.textContent = text
  element.className = `result ${kind}`
}

export function tableCard(title, heads) {
  const body = h('tbody')
  const empty = h('p', { class: 'empty' }, t.none)
  const table = h('table', {}, h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col' }, head)))), body)
  const element = card(title, null, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': title }, table), empty)
  return { element, body, empty, shown: '' }
}

// Rows are made anew only when something in them changed, so that an opened detail stays open.
export function fill(target, items, rows) {
  const state = JSON.stringify([items, [...opened]])
  if (state === target.shown) return
  target.shown = state
  target.empty.hidden = items.length > 0
  target.body.replaceChildren(...items.flatMap(rows))
}

export function pushRows(push, refresh) {
  const outcome = push.outcome ?? 'waiting'
  const kind = { success: 'good', empty: 'good', reply: 'good', waiting: 'wait', not_configured: '' }[outcome] ?? 'bad'
  const last = push.deliveries.at(-1)
  const text = push.fields.Content ?? push.fields.EventKey ?? push.fields.Title ?? ''
  const cells = [
    fullTime(push.queued_at),
    h('span', {}, h('code', {}, push.kind), ` ${text}`),
    h('span', { class: `badge ${kind}`, title: push.reason }, t.outcomes[outcome]),
    String(push.deliveries.length),
    last ? `${last.latency_ms} ms` : '',
  ]
  const deliveries = push.deliveries.map((delivery) => [
    t.delivery.replace('{n}', delivery.attempt),
    `${fullTime(delivery.at)}  ${delivery.url}\n${delivery.status ?? delivery.error}  ${delivery.latency_ms} ms\n${delivery.answer}`,
  ])
  return expandable(`push-${push.push_id}`, cells, [
    [t.request, JSON.stringify(push.fields, null, 1)],
    ...deliveries,
    ...(push.reason ? [[t.outcome, push.reason]] : []),
  ], refresh)
}

export function callRows(call, refresh) {
  const good = call.errcode === 0 && call.status === 200
  const cells = [
    fullTime(call.at),
    h('span', {}, call.method, ' ', h('code', {}, call.path)),
    h('span', { class: `badge ${good ? 'good' : 'bad'}` }, call.fault ?? String(call.errcode)),
    `${call.latency_ms} ms`,
  ]
  return expandable(`call-${call.call_id}`, cells, [[t.request, call.request], [t.answer, call.answer]], refresh)
}

function expandable(key, cells, details, refresh) {
  const open = opened.has(key)
  const toggle = () => {
    if (!opened.delete(key)) opened.add(key)
    refresh()
  }
  const opener = h('button', { class: 'opener', type: 'button', 'aria-expanded': String(open), onclick: toggle }, cells[0])
  const row = h('tr', {}, h('td', {}, opener), cells.slice(1).map((cell) => h('td', {}, cell)))
  if (!open) return [row]
  const list = details.flatMap(([label, text]) => [h('dt', {}, label), h('dd', {}, h('pre', {}, text))])
  return [row, h('tr', { class: 'detail' }, h('td', { colspan: cells.length }, h('dl', {}, list)))]
}
