// The platform's back office: its settings, tickets, accounts, release check and what it was sent.

import { callRows, card, copyButton, field, fill, pushRows, showResult, tableCard } from './cards.js'
import { get, post } from './control.js'
import { avatar, fillSelect, h } from './dom.js'
import { fullTime, linkInOtherLanguage, withLanguage } from './language.js'
import { t } from './platform_texts.js'

const POLL_MS = 1000
const SHOWN = 100
const TICKETS_SHOWN = 20

const address = new URLSearchParams(location.search)
const world = { platforms: [], platform: null }
const top = buildTop()
const office = document.getElementById('office')
let parts = null

const root = () => `/components/${encodeURIComponent(world.platform.appid)}`

function buildTop() {
  const choice = h('select', { 'aria-label': t.component, onchange: () => enter(choice.value) })
  document.getElementById('top').append(
    h('h1', {}, h('span', { class: 'logo', 'aria-hidden': 'true' }), t.openPlatform, h('small', {}, t.platformTag)),
    choice,
    h('nav', {}, h('a', { href: withLanguage('/backoffice') }, t.backOffice), h('a', { href: linkInOtherLanguage() }, t.otherLanguage)),
  )
  return { choice }
}

// ---- what it is and how it is set up --------------------------------------------------------------------------

function basics(platform) {
  const row = (label, value) => [h('dt', {}, label), h('dd', {}, h('code', {}, value), copyButton(value))]
  const state = platform.published ? t.published : t.unpublished
  return card(
    t.platformBasics,
    null,
    h('div', { class: 'who' }, avatar(platform.name), h('div', {}, h('strong', {}, platform.name), h('p', {}, state))),
    h('dl', {}, row('AppID', platform.appid), row('AppSecret', platform.secret)),
  )
}

function settings(platform) {
  const input = (id, value) => h('input', { id, value: value ?? '', autocomplete: 'off' })
  const order = h('select', { id: 'authorization_order' })
  fillSelect(order, Object.entries(t.orders), platform.authorization_order)
  const fields = [
    [t.eventUrl, input('event_url', platform.event_url)],
    [t.messageUrl, input('message_url', platform.message_url)],
    [t.startDomain, input('start_domain', platform.start_domain)],
    [t.platformToken, input('token', platform.token)],
    [t.platformKey, input('aes_key', platform.aes_key)],
    [t.whitelist, input('ip_whitelist', platform.ip_whitelist?.join(', '))],
    [t.order, order],
  ]
  const result = h('p', { class: 'result', role: 'status' })
  const finish = h('div', { class: 'finish' }, h('button', { class: 'button main' }, t.save), result)
  const form = h('form', { novalidate: true }, fields.map(([label, control]) => field(label, control)), finish)
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const values = Object.fromEntries(fields.map(([, control]) => [control.id, control.value.trim()]))
    const addresses = values.ip_whitelist.split(/[\s,，]+/).filter(Boolean)
    try {
      await post(`${root()}/settings`, { ...values, ip_whitelist: addresses.length ? addresses : null })
      showResult(result, t.settingsSaved, 'good')
    } catch (refused) {
      showResult(result, `${t.settingsRefused}: ${refused.detail ?? refused.code}`, 'bad')
    }
  })
  return card(t.settings, null, h('p', { class: 'lead' }, t.settingsLead), form)
}

// ---- tickets --------------------------------------------------------------------------------------------------

function tickets() {
  const state = h('select', { 'aria-label': t.ticketSwitch })
  state.addEventListener('change', () => post(`${root()}/settings`, { ticket_state: state.value }))
  const next = h('span', { class: 'quiet' })
  const push = h('button', { class: 'button', type: 'button', onclick: () => post(`${root()}/ticket`).then(refresh) }, t.pushTicket)
  const table = tableCard(t.tickets, [t.issued, t.ticketValue, t.expires, t.outcome])
  table.element.querySelector('h2').after(h('div', { class: 'row-head' }, state, push, next))
  return { ...table, state, next, table }
}

function ticketRow(ticket) {
  const outcome = ticket.outcome ?? 'waiting'
  const kind = { success: 'good', waiting: 'wait' }[outcome] ?? 'bad'
  return h(
    'tr',
    {},
    h('td', {}, fullTime(ticket.issued_at)),
    h('td', {}, h('code', { class: 'long', title: ticket.value }, ticket.value)),
    h('td', {}, fullTime(ticket.expires_at)),
    h('td', {}, h('span', { class: `badge ${kind}` }, t.outcomes[outcome])),
  )
}

// ---- accounts -------------------------------------------------------------------------------------------------

function grantRow(grant) {
  const manage = withLanguage(`/admin/authorizations?account=${encodeURIComponent(grant.account_appid)}`)
  const stands = grant.revoked_at === null
  return h(
    'tr',
    {},
    h('td', {}, grant.account_name),
    h('td', {}, h('code', {}, grant.account_appid)),
    h('td', {}, grant.sets.map((set) => h('span', { class: 'badge' }, String(set)))),
    h('td', {}, fullTime(grant.authorized_at)),
    h('td', {}, grant.exchanged ? t.isExchanged : t.notExchanged),
    h('td', {}, h('span', { class: `badge ${stands ? 'good' : 'bad'}` }, stands ? t.standing : t.revoked)),
    h('td', {}, stands ? h('a', { href: manage }, t.manage) : null),
  )
}

// ---- release check --------------------------------------------------------------------------------------------

function releaseCheck() {
  const verdict = h('p', { class: 'verdict', role: 'status' })
  const run = h('button', { class: 'button main', type: 'button' }, t.runCheck)
  run.addEventListener('click', async () => {
    run.disabled = true
    showVerdict(verdict, t.checking, '')
    try {
      await post(`${root()}/release-check`)
    } finally {
      run.disabled = false
      await refresh()
    }
  })
  const table = tableCard(t.releaseCheck, [t.group, t.checkCase, t.expected, t.came, t.latency, t.outcome])
  const lead = h('p', { class: 'lead' }, t.releaseLead)
  table.element.querySelector('h2').after(lead, h('div', { class: 'row-head' }, run, verdict))
  return { ...table, table, verdict, run }
}

function checkRow(result) {
  return h(
    'tr',
    { class: result.passed ? '' : 'failed' },
    h('td', {}, String(result.group)),
    h('td', {}, t.cases[result.case] ?? result.case),
    h('td', {}, h('code', {}, result.expected)),
    h('td', {}, h('code', {}, result.came)),
    h('td', {}, `${result.latency_ms} ms`),
    h('td', {}, h('span', { class: `badge ${result.passed ? 'good' : 'bad'}` }, result.passed ? '✓' : '×')),
  )
}

function showVerdict(element, text, kind) {
  element.textContent = text
  element.className = `verdict ${kind}`
}

function showCheck(platform) {
  fill(parts.check.table, platform.release_check, checkRow)
  if (parts.check.run.disabled || !platform.release_check.length) return
  const failed = platform.release_check.filter((result) => !result.passed).length
  const text = failed ? t.checkFailed.replace('{n}', failed) : t.checkPassed
  showVerdict(parts.check.verdict, `${text} · ${fullTime(platform.release_checked_at)}`, failed ? 'bad' : 'good')
}

// ---- entering a platform and following what happens -------------------------------------------------------------

function enter(appid) {
  world.platform = world.platforms.find((platform) => platform.appid === appid) ?? world.platforms[0] ?? null
  fillSelect(top.choice, world.platforms.map((one) => [one.appid, one.name]), world.platform?.appid)
  if (world.platform === null) {
    office.replaceChildren(card(t.component, null, h('p', { class: 'empty' }, t.noPlatforms)))
    return
  }
  const { platform } = world
  address.set('component', platform.appid)
  history.replaceState(null, '', `?${address}`)
  document.title = `${platform.name} · ${t.openPlatform}`
  parts = {
    tickets: tickets(),
    grants: tableCard(t.grantedAccounts, [t.name, 'AppID', t.sets, t.grantedAt, t.exchanged, t.state, '']),
    check: releaseCheck(),
    pushes: tableCard(t.notices, [t.time, t.what, t.outcome, t.attempts, t.latency]),
    calls: tableCard(t.calls, [t.time, t.api, t.outcome, t.latency]),
  }
  const tables = Object.values(parts).map((part) => part.element)
  office.replaceChildren(basics(platform), settings(platform), ...tables)
}

async function refresh() {
  if (world.platform === null) return
  const { appid } = world.platform
  const query = `?component=${encodeURIComponent(appid)}&limit=${SHOWN}`
  const [platform, pushes, calls] = await Promise.all([get(root()), get(`/pushes${query}`), get(`/calls${query}`)])
  if (appid !== world.platform.appid) return
  fillSelect(parts.tickets.state, Object.entries(t.ticketStates), platform.ticket_state)
  const due = platform.ticket_state === 'on' && platform.next_ticket_at > 0
  parts.tickets.next.textContent = due ? `${t.nextTicket} ${fullTime(platform.next_ticket_at)}` : ''
  fill(parts.tickets.table, platform.tickets.slice(0, TICKETS_SHOWN), ticketRow)
  fill(parts.grants, platform.authorizations, grantRow)
  showCheck(platform)
  fill(parts.pushes, pushes.reverse(), (push) => pushRows(push, refresh))
  fill(parts.calls, calls.reverse(), (call) => callRows(call, refresh))
}

async function watch() {
  try {
    if (world.platform === null) {
      world.platforms = await get('/components')
      enter(address.get('component'))
    }
    await refresh()
    document.body.classList.remove('lost')
  } catch {
    document.body.classList.add('lost')
  }
  setTimeout(watch, POLL_MS)
}

watch()
