// The back office: what an administrator sees of one account.

import { accountPath, get, post } from './control.js'
import { avatar, fillSelect, h } from './dom.js'
import { fullTime, linkInOtherLanguage, t, withLanguage } from './language.js'

const POLL_MS = 1000
const SHOWN = 100
const KEY_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const address = new URLSearchParams(location.search)
const world = { accounts: [], account: null, open: new Set() }

const top = buildTop()
const office = document.getElementById('office')
let tables = null

// ---- head -----------------------------------------------------------------------------------------------------

function buildTop() {
  const choice = h('select', { 'aria-label': t.account, onchange: () => enter(choice.value) })
  const name = h('input', { 'aria-label': t.newAccount, placeholder: t.newAccount, required: true, maxlength: 32 })
  const create = h('form', { class: 'create' }, name, h('button', { class: 'button' }, t.create))
  create.addEventListener('submit', async (event) => {
    event.preventDefault()
    const account = await post('/accounts', { name: name.value.trim() })
    name.value = ''
    world.accounts = await get('/accounts')
    enter(account.appid)
  })
  const phone = h('a', {}, t.phone)
  document.getElementById('top').append(
    h('h1', {}, h('span', { class: 'logo', 'aria-hidden': 'true' }), t.platform, h('small', {}, t.platformTag)),
    choice,
    create,
    h('nav', {}, phone, h('a', { href: linkInOtherLanguage() }, t.otherLanguage)),
  )
  return { choice, phone }
}

// ---- cards ----------------------------------------------------------------------------------------------------

function card(title, aside, ...content) {
  return h('section', { class: 'card', 'aria-label': title }, h('h2', {}, title, aside ?? null), ...content)
}

function basics(account) {
  const row = (label, value) => [h('dt', {}, label), h('dd', {}, h('code', {}, value), copyButton(value))]
  const kind = `${t[account.type]} · ${account.verified ? t.verified : t.unverified}`
  return card(
    t.basics,
    null,
    h('div', { class: 'who' }, avatar(account.name), h('div', {}, h('strong', {}, account.name), h('p', {}, kind))),
    h('dl', {}, row('AppID', account.appid), row('AppSecret', account.secret), row(t.original, account.username)),
  )
}

function copyButton(value) {
  const button = h('button', { class: 'plain', type: 'button' }, t.copy)
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(value)
    button.textContent = t.copied
  })
  return button
}

function serverCard(account) {
  const badge = h('span', { class: 'badge' })
  showServerState(badge, account)
  return card(t.server, badge, h('p', { class: 'lead' }, t.serverLead), serverForm(account, badge))
}

function showServerState(badge, account) {
  const [text, kind] = !account.callback_url
    ? [t.disabled, '']
    : account.server_verified_at === null
      ? [t.enabledUnchecked, 'wait']
      : [t.enabled, 'good']
  badge.textContent = text
  badge.className = `badge ${kind}`
}

function serverForm(account, badge) {
  const url = h('input', { id: 'url', value: account.callback_url, placeholder: 'https://', autocomplete: 'off' })
  const token = h('input', { id: 'token', value: account.token, maxlength: 32, autocomplete: 'off' })
  const aesKey = h('input', { id: 'aes-key', value: account.aes_key, maxlength: 43, autocomplete: 'off' })
  const random = h('button', { class: 'plain', type: 'button', onclick: () => (aesKey.value = randomKey()) }, t.random)
  const modes = ['plaintext', 'compatible', 'secure'].map((mode) => modeChoice(mode, account.mode))
  const result = h('p', { class: 'result', role: 'status' })
  const submit = h('button', { class: 'button main' }, t.submit)
  const form = h(
    'form',
    { class: 'server', novalidate: true },
    field(t.url, url),
    field(t.token, token),
    field(t.aesKey, aesKey, random),
    h('fieldset', {}, h('legend', {}, t.mode), h('div', { class: 'modes' }, modes)),
    h('div', { class: 'finish' }, submit, result),
  )
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const mode = new FormData(form).get('mode')
    submit.disabled = true
    showResult(result, t.submitting, '')
    const values = { url: url.value.trim(), token: token.value.trim(), aes_key: aesKey.value.trim(), mode }
    const answer = await post(`${accountPath(account.appid)}/server`, values)
    submit.disabled = false
    if (answer.verified) showResult(result, t.saved, 'good')
    else showResult(result, `${t.refused}: ${reasonText(answer.reason)}`, 'bad')
    showServerState(badge, await get(accountPath(account.appid)))
  })
  return form
}

function field(label, input, beside) {
  return h('div', { class: 'field' }, h('label', { for: input.id }, label), h('div', {}, input, beside ?? null))
}

function modeChoice(mode, chosen) {
  return h('label', {}, h('input', { type: 'radio', name: 'mode', value: mode, checked: mode === chosen }), t[mode])
}

function randomKey() {
  const numbers = crypto.getRandomValues(new Uint32Array(43))
  return [...numbers].map((number) => KEY_LETTERS[number % KEY_LETTERS.length]).join('')
}

function showResult(element, text, kind) {
  element.textContent = text
  element.className = `result ${kind}`
}

function reasonText(reason) {
  return reason.startsWith('status_') ? `${t.badStatus} ${reason.slice(7)}` : (t.reasons[reason] ?? reason)
}

// ---- tables ---------------------------------------------------------------------------------------------------

function tableCard(title, heads) {
  const body = h('tbody')
  const empty = h('p', { class: 'empty' }, t.none)
  const table = h('table', {}, h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col' }, head)))), body)
  const element = card(title, null, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': title }, table), empty)
  return { element, body, empty, shown: '' }
}

// Rows are made anew only when something in them changed, so that an opened detail stays open.
function fill(target, items, rows) {
  const state = JSON.stringify([items, [...world.open]])
  if (state === target.shown) return
  target.shown = state
  target.empty.hidden = items.length > 0
  target.body.replaceChildren(...items.flatMap(rows))
}

function followerRow(one) {
  const phone = withLanguage(
    `/phone?account=${encodeURIComponent(world.account.appid)}&follower=${encodeURIComponent(one.nickname)}`,
  )
  return h(
    'tr',
    {},
    h('td', {}, one.nickname),
    h('td', {}, h('code', {}, one.openid)),
    h('td', {}, h('span', { class: `badge ${one.subscribed ? 'good' : ''}` }, one.subscribed ? t.following : t.notFollowing)),
    h('td', {}, h('a', { href: phone }, t.openPhone)),
  )
}

function pushRows(push) {
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
  ])
}

function callRows(call) {
  const good = call.errcode === 0 && call.status === 200
  const cells = [
    fullTime(call.at),
    h('span', {}, call.method, ' ', h('code', {}, call.path)),
    h('span', { class: `badge ${good ? 'good' : 'bad'}` }, call.fault ?? String(call.errcode)),
    `${call.latency_ms} ms`,
  ]
  return expandable(`call-${call.call_id}`, cells, [[t.request, call.request], [t.answer, call.answer]])
}

function expandable(key, cells, details) {
  const open = world.open.has(key)
  const toggle = () => {
    if (!world.open.delete(key)) world.open.add(key)
    refresh()
  }
  const opener = h('button', { class: 'opener', type: 'button', 'aria-expanded': String(open), onclick: toggle }, cells[0])
  const row = h('tr', {}, h('td', {}, opener), cells.slice(1).map((cell) => h('td', {}, cell)))
  if (!open) return [row]
  const list = details.flatMap(([label, text]) => [h('dt', {}, label), h('dd', {}, h('pre', {}, text))])
  return [row, h('tr', { class: 'detail' }, h('td', { colspan: cells.length }, h('dl', {}, list)))]
}

// ---- entering an account and following what happens -------------------------------------------------------------

function enter(appid) {
  world.account = world.accounts.find((account) => account.appid === appid) ?? world.accounts[0] ?? null
  fillSelect(top.choice, world.accounts.map((one) => [one.appid, one.name]), world.account?.appid)
  if (world.account === null) {
    office.replaceChildren(card(t.account, null, h('p', { class: 'empty' }, t.none)))
    return
  }
  const { account } = world
  address.set('account', account.appid)
  history.replaceState(null, '', `?${address}`)
  document.title = `${account.name} · ${t.platform}`
  top.phone.href = withLanguage(`/phone?account=${encodeURIComponent(account.appid)}`)
  tables = {
    followers: tableCard(t.followers, [t.nickname, 'OpenID', t.state, '']),
    pushes: tableCard(t.pushes, [t.time, t.what, t.outcome, t.attempts, t.latency]),
    calls: tableCard(t.calls, [t.time, t.api, t.outcome, t.latency]),
  }
  office.replaceChildren(
    basics(account),
    serverCard(account),
    tables.followers.element,
    tables.pushes.element,
    tables.calls.element,
  )
  refresh()
}

async function refresh() {
  if (world.account === null) return
  const { appid } = world.account
  const query = `?appid=${encodeURIComponent(appid)}&limit=${SHOWN}`
  const [people, pushes, calls] = await Promise.all([
    get(`${accountPath(appid)}/followers`),
    get(`/pushes${query}`),
    get(`/calls${query}`),
  ])
  if (appid !== world.account.appid) return
  fill(tables.followers, people, followerRow)
  fill(tables.pushes, pushes.reverse(), pushRows)
  fill(tables.calls, calls.reverse(), callRows)
}

async function watch() {
  try {
    if (world.account === null) {
      world.accounts = await get('/accounts')
      enter(address.get('account'))
    } else {
      await refresh()
    }
    document.body.classList.remove('lost')
  } catch {
    document.body.classList.add('lost')
  }
  setTimeout(watch, POLL_MS)
}

watch()
