// An account's authorizations as its administrator sees them: which platforms, which permissions.

import { accountPath, get, post } from './control.js'
import { avatar, fillSelect, h } from './dom.js'
import { fullTime, linkInOtherLanguage, withLanguage } from './language.js'
import { kindOf, setName, t } from './platform_texts.js'

const address = new URLSearchParams(location.search)
const office = document.getElementById('office')
const world = { accounts: [], account: null }
const top = buildTop()

function buildTop() {
  const choice = h('select', { 'aria-label': t.account, onchange: () => enter(choice.value) })
  const back = h('a', {}, t.back)
  document.getElementById('top').append(
    h('h1', {}, h('span', { class: 'logo', 'aria-hidden': 'true' }), t.grantsPage, h('small', {}, t.platformTag)),
    choice,
    h('nav', {}, back, h('a', { href: linkInOtherLanguage() }, t.otherLanguage)),
  )
  return { choice, back }
}

async function enter(appid) {
  world.account = world.accounts.find((account) => account.appid === appid) ?? world.accounts[0] ?? null
  fillSelect(top.choice, world.accounts.map((one) => [one.appid, one.name]), world.account?.appid)
  if (world.account === null) {
    office.replaceChildren(h('section', { class: 'card' }, h('p', { class: 'empty' }, t.none)))
    return
  }
  address.set('account', world.account.appid)
  history.replaceState(null, '', `?${address}`)
  document.title = `${world.account.name} · ${t.grantsPage}`
  top.back.href = withLanguage(`/backoffice?account=${encodeURIComponent(world.account.appid)}`)
  await draw()
}

async function draw() {
  const { account } = world
  const all = await get(`${accountPath(account.appid)}/authorizations`)
  const cards = await Promise.all(all.filter((one) => one.revoked_at === null).map(grantCard))
  const who = h('div', { class: 'who' }, avatar(account.name), h('div', {}, h('strong', {}, account.name), h('p', {}, kindOf(account))))
  const none = cards.length ? null : h('p', { class: 'empty' }, t.noGrants)
  const head = h('section', { class: 'card', 'aria-label': account.name }, who, h('p', { class: 'lead last' }, t.grantsLead), none)
  office.replaceChildren(head, ...cards)
}

async function grantCard(grant) {
  const root = `${accountPath(grant.account_appid)}/authorizations/${encodeURIComponent(grant.component_appid)}`
  const sets = await get(`${root}/sets`)
  const boxes = sets.map((set) => setBox(set, grant.sets.includes(set.id)))
  const result = h('p', { class: 'result', role: 'status' })
  const form = h('form', {}, h('div', { class: 'sets' }, boxes), h('div', { class: 'deeds' }, h('button', { class: 'button main' }, t.saveSets), revokeButton(root), result))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const chosen = [...form.querySelectorAll('input:checked')].map((box) => Number(box.value))
    try {
      const { push_id: pushId } = await post(`${root}/sets`, { sets: chosen })
      show(result, pushId === null ? t.setsSame : t.setsSaved, 'good')
    } catch (refused) {
      show(result, t.refusals[refused.code] ?? t.failed, 'bad')
    }
  })
  const since = `${t.grantedAt} ${fullTime(grant.authorized_at)}`
  const name = h('div', { class: 'who' }, avatar(grant.component_name), h('div', {}, h('strong', {}, grant.component_name), h('p', {}, since)))
  return h('section', { class: 'card', 'aria-label': grant.component_name }, name, form)
}

function setBox(set, held) {
  const box = h('input', { type: 'checkbox', value: set.id, checked: held })
  const mark = set.exclusive ? h('span', { class: 'badge wait' }, t.exclusive) : null
  const loss = !held && set.held_by ? h('small', {}, t.heldBy.replace('{name}', set.held_by)) : null
  return h('label', {}, box, h('span', {}, setName(set), mark, loss))
}

// Asks once more on the button itself, because there is no way back but a new authorization.
function revokeButton(root) {
  const button = h('button', { class: 'button danger', type: 'button' }, t.deauthorize)
  let asked = false
  button.addEventListener('click', async () => {
    if (!asked) {
      asked = true
      button.textContent = t.deauthorizeSure
      return
    }
    await post(`${root}/revoke`)
    await draw()
  })
  return button
}

function show(element, text, kind) {
  element.textContent = text
  element.className = `result ${kind}`
}

world.accounts = await get('/accounts')
await enter(address.get('account'))
