// The administrator's phone after the scan: which account, which permissions, yes or no.

import { post } from './control.js'
import { avatar, fillSelect, h, icon } from './dom.js'
import { linkInOtherLanguage } from './language.js'
import { kindOf, setName, t } from './platform_texts.js'

const address = new URLSearchParams(location.search)
const root = `/authorization-requests/${encodeURIComponent(address.get('request') ?? '')}`
const CLOSE = '<path d="M7 7l14 14M21 7L7 21" fill="none" stroke="#181818" stroke-width="1.8" stroke-linecap="round"/>'

const world = { visit: null, administrator: address.get('admin') ?? '', appid: '', sets: new Set() }
const panel = buildPanel()
const screen = buildScreen()

function buildPanel() {
  const choice = h('select', { id: 'administrator', onchange: () => play(choice.value) })
  const label = h('label', { for: 'administrator' }, h('span', {}, t.administrator), choice)
  document.getElementById('panel').append(
    h('h1', {}, t.adminPhone),
    h('p', { class: 'lead' }, t.adminLead),
    h('div', { class: 'choices' }, label),
    h('p', { class: 'links' }, h('a', { href: linkInOtherLanguage() }, t.otherLanguage)),
  )
  return { choice, label }
}

function buildScreen() {
  const clock = h('span', { class: 'clock' }, new Date().toTimeString().slice(0, 5))
  const status = h('div', { class: 'status', 'aria-hidden': 'true' }, clock, h('span', { class: 'battery' }))
  const bar = h('header', { class: 'bar' }, icon(CLOSE), h('h2', { class: 'title' }, t.authorizeTitle), h('span', { class: 'balance' }))
  const body = h('section', { class: 'ask' })
  const toast = h('p', { class: 'toast', role: 'status', hidden: true })
  document.getElementById('phone').append(h('div', { class: 'screen' }, status, bar, body, toast))
  document.title = t.authorizeTitle
  return { body, toast }
}

// ---- who asks, for which account, for what --------------------------------------------------------------------

function play(administrator) {
  world.administrator = administrator
  const first = mine().find((account) => account.sets.length > 0) ?? mine()[0]
  choose(first?.appid ?? '')
}

const mine = () => world.visit.accounts.filter((account) => account.administrator === world.administrator)
const chosen = () => world.visit.accounts.find((account) => account.appid === world.appid)

function choose(appid) {
  world.appid = appid
  const account = chosen()
  const granted = account?.granted
  world.sets = new Set(account?.sets.map((set) => set.id).filter((id) => !granted || granted.includes(id)))
  draw()
}

function draw() {
  showPanel()
  const account = chosen()
  const { component_name: platform } = world.visit
  const head = h('div', { class: 'asker' }, avatar(platform), h('p', {}, h('strong', {}, platform), ` ${t.wants}`))
  if (!account) {
    const text = world.visit.biz_appid ? t.otherExpected : t.noAccountsHere
    screen.body.replaceChildren(head, h('p', { class: 'nothing' }, text), buttons(null))
    return
  }
  screen.body.replaceChildren(head, h('div', { class: 'scroller', tabindex: '0' }, accounts(), sets(account)), buttons(account))
}

function showPanel() {
  const names = [...new Set(world.visit.accounts.map((account) => account.administrator))]
  fillSelect(panel.choice, names.map((name) => [name, name || t.someAdministrator]), world.administrator)
  panel.label.hidden = names.length < 2
}

function accounts() {
  const rows = mine().map((account) => {
    const radio = h('input', { type: 'radio', name: 'account', value: account.appid, checked: account.appid === world.appid })
    radio.addEventListener('change', () => choose(account.appid))
    const already = account.granted ? h('small', {}, t.already) : null
    const text = h('span', { class: 'what' }, h('b', {}, account.name, already), h('span', {}, kindOf(account)))
    return h('label', { class: 'line' }, avatar(account.name), text, radio)
  })
  return h('fieldset', {}, h('legend', {}, t.chooseAccount), rows)
}

function sets(account) {
  const rows = account.sets.map((set) => {
    const box = h('input', { type: 'checkbox', value: set.id, checked: world.sets.has(set.id) })
    box.addEventListener('change', () => (box.checked ? world.sets.add(set.id) : world.sets.delete(set.id)))
    const mark = set.exclusive ? h('small', { class: 'wait' }, t.exclusive) : null
    const loss = set.held_by ? h('span', {}, t.heldBy.replace('{name}', set.held_by)) : null
    return h('label', { class: 'line' }, h('span', { class: 'what' }, h('b', {}, setName(set), mark), loss), box)
  })
  const none = rows.length ? null : h('p', { class: 'nothing' }, t.noneToGrant)
  return h('fieldset', {}, h('legend', {}, t.chooseSets), rows, none)
}

function buttons(account) {
  const yes = h('button', { class: 'yes', type: 'button', disabled: !account?.sets.length, onclick: confirm }, t.authorize)
  return h('div', { class: 'buttons' }, yes, h('button', { class: 'no', type: 'button', onclick: cancel }, t.cancel))
}

// ---- the word -------------------------------------------------------------------------------------------------

async function confirm() {
  const account = chosen()
  const result = await said(post(`${root}/confirm`, { account_appid: account.appid, sets: [...world.sets] }))
  if (!result) return
  if (address.has('h5') && result.redirect_url) {
    location.assign(result.redirect_url)
    return
  }
  const names = { account: account.name, platform: world.visit.component_name }
  finish('good', t.confirmedTitle, t.confirmedText.replace(/\{(\w+)\}/g, (_, name) => names[name]))
}

async function cancel() {
  if (await said(post(`${root}/cancel`))) finish('quiet', t.cancelledTitle, t.cancelledText)
}

async function said(answer) {
  const all = [...screen.body.querySelectorAll('button')]
  for (const button of all) button.disabled = true
  try {
    return await answer
  } catch (refused) {
    showToast(t.refusals[refused.code] ?? t.failed)
    for (const button of all) button.disabled = false
    return null
  }
}

function showToast(text) {
  screen.toast.textContent = text
  screen.toast.hidden = false
  setTimeout(() => (screen.toast.hidden = true), 2500)
}

function finish(kind, title, text) {
  panel.label.hidden = true
  const mark = h('span', { class: `mark ${kind}`, 'aria-hidden': 'true' }, { good: '✓', quiet: '–', bad: '!' }[kind])
  screen.body.replaceChildren(h('div', { class: 'end', role: 'status' }, mark, h('h3', {}, title), h('p', {}, text)))
}

async function begin() {
  try {
    world.visit = await post(`${root}/scanned`)
  } catch {
    finish('bad', t.goneTitle, t.goneText)
    return
  }
  if (world.visit.state === 'confirmed') return finish('good', t.confirmedTitle, t.pageConfirmedOnly)
  if (world.visit.state === 'cancelled') return finish('quiet', t.cancelledTitle, t.cancelledText)
  const names = world.visit.accounts.map((account) => account.administrator)
  play(names.includes(world.administrator) ? world.administrator : (names[0] ?? ''))
}

begin()
