// The back office: what an administrator sees of one account.

import { callRows, card, copyButton, field, fill, pushRows, showResult, tableCard } from './cards.js'
import { accountPath, get, post, remove } from './control.js'
import { avatar, fillSelect, h } from './dom.js'
import { linkInOtherLanguage, t, withLanguage } from './language.js'

const POLL_MS = 1000
const SHOWN = 100
const SAMPLE_MENU = [
  { name: '商城', type: 'view', url: 'https://shop.example.com/' },
  { name: '服务', sub_button: [{ name: '人工客服', type: 'click', key: 'AGENT' }, { name: '扫码查件', type: 'scancode_waitmsg', key: 'SCAN' }] },
]
const KEY_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const address = new URLSearchParams(location.search)
const world = { accounts: [], account: null }

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
  const grants = h('a', {}, t.grants)
  document.getElementById('top').append(
    h('h1', {}, h('span', { class: 'logo', 'aria-hidden': 'true' }), t.platform, h('small', {}, t.platformTag)),
    choice,
    create,
    h('nav', {}, phone, grants, h('a', { href: withLanguage('/platform') }, t.platforms), h('a', { href: linkInOtherLanguage() }, t.otherLanguage)),
  )
  return { choice, phone, grants }
}

// ---- cards ----------------------------------------------------------------------------------------------------

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

function modeChoice(mode, chosen) {
  return h('label', {}, h('input', { type: 'radio', name: 'mode', value: mode, checked: mode === chosen }), t[mode])
}

function randomKey() {
  const numbers = crypto.getRandomValues(new Uint32Array(43))
  return [...numbers].map((number) => KEY_LETTERS[number % KEY_LETTERS.length]).join('')
}

function reasonText(reason) {
  return reason.startsWith('status_') ? `${t.badStatus} ${reason.slice(7)}` : (t.reasons[reason] ?? reason)
}

function menuCard(account) {
  const text = h('textarea', { rows: 8, class: 'json', 'aria-label': t.menu, spellcheck: 'false' })
  const result = h('p', { class: 'result', 'aria-live': 'polite' })
  const path = `${accountPath(account.appid)}/menu`
  const publish = async () => {
    try {
      await post(path, { button: JSON.parse(text.value) })
      showResult(result, t.published, 'good')
    } catch (error) {
      showResult(result, `${t.refused}: ${error.detail ?? error.message}`, 'bad')
    }
  }
  const withdraw = async () => {
    await remove(path)
    showResult(result, t.withdrawn, 'good')
  }
  get(path).then((buttons) => (text.value = JSON.stringify(buttons ?? SAMPLE_MENU, null, 1)))
  return card(
    t.menu,
    null,
    h('p', { class: 'lead' }, t.menuLead),
    text,
    h(
      'div',
      { class: 'finish' },
      h('button', { class: 'button main', type: 'button', onclick: publish }, t.publish),
      h('button', { class: 'plain', type: 'button', onclick: withdraw }, t.withdraw),
      result,
    ),
  )
}

// ---- tables ---------------------------------------------------------------------------------------------------

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
  top.grants.href = withLanguage(`/admin/authorizations?account=${encodeURIComponent(account.appid)}`)
  tables = {
    followers: tableCard(t.followers, [t.nickname, 'OpenID', t.state, '']),
    pushes: tableCard(t.pushes, [t.time, t.what, t.outcome, t.attempts, t.latency]),
    calls: tableCard(t.calls, [t.time, t.api, t.outcome, t.latency]),
  }
  office.replaceChildren(
    basics(account),
    serverCard(account),
    menuCard(account),
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
  fill(tables.pushes, pushes.reverse(), (push) => pushRows(push, refresh))
  fill(tables.calls, calls.reverse(), (call) => callRows(call, refresh))
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
