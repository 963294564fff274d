// The phone page: a follower's WeChat, and beside it the sandbox's own controls.

import { renderChat } from './bubbles.js'
import { createComposer } from './composer.js'
import { accountPath, followerPath, get, post, upload } from './control.js'
import { avatar, fillSelect, h, icon } from './dom.js'
import { ICONS } from './icons.js'
import { chatTime, linkInOtherLanguage, t, withLanguage } from './language.js'
import { createMenuBar } from './menu.js'

const POLL_MS = 500
const FIRST_NAME = '小林'

const address = new URLSearchParams(location.search)
let readsEnd = true // of the chat: what comes is scrolled to
const world = { accounts: [], people: [], account: null, me: null, revision: -1, chat: [], now: 0, menu: null, menuShown: true }

const panel = buildPanel()
const phone = buildPhone()

// ---- the sandbox's own controls -------------------------------------------------------------------------------

function buildPanel() {
  const accounts = h('select', { id: 'account', onchange: () => enter(accounts.value, world.me?.nickname) })
  const people = h('select', { id: 'person', onchange: () => enter(world.account.appid, people.value) })
  const leave = h('button', { class: 'quiet', type: 'button', hidden: true, onclick: unfollow }, t.unfollow)
  const name = h('input', { 'aria-label': t.newPhone, placeholder: t.newPhone, maxlength: 32, required: true })
  const newPhone = h('form', { class: 'new-phone' }, name, h('button', { class: 'quiet' }, t.add))
  newPhone.addEventListener('submit', (event) => {
    event.preventDefault()
    if (world.account && name.value.trim()) enter(world.account.appid, name.value.trim())
    name.value = ''
  })
  const quota = h('p', { class: 'quota' })
  const office = h('a', {}, t.backOffice)
  const more = h('div', { class: 'extra' }, newPhone, quota, h('p', { class: 'links' }, office, recordingLink(), languageLink()))
  const toggle = h('button', { class: 'quiet toggle', type: 'button', 'aria-expanded': 'false' }, '⋯')
  toggle.setAttribute('aria-label', t.options)
  toggle.addEventListener('click', () => {
    toggle.setAttribute('aria-expanded', String(more.classList.toggle('shown')))
  })
  document.getElementById('panel').append(
    h('h1', {}, t.sandbox),
    h('p', { class: 'lead' }, t.phoneLead),
    h('div', { class: 'choices' }, field(t.account, accounts), field(t.person, people), leave, toggle),
    more,
  )
  return { accounts, people, leave, quota, office }
}

function field(label, control) {
  return h('label', { for: control.id }, h('span', {}, label), control)
}

function recordingLink() {
  return h('a', { href: '/sandbox/api/recording', download: 'wechat-sandbox-recording.json' }, t.exportRecording)
}

function languageLink() {
  const link = h('a', { href: linkInOtherLanguage() }, t.otherLanguage)
  link.addEventListener('click', () => link.setAttribute('href', linkInOtherLanguage()))
  return link
}

function showPanel() {
  fillSelect(panel.accounts, world.accounts.map((account) => [account.appid, account.name]), world.account?.appid)
  fillSelect(panel.people, world.people.map((one) => [one.nickname, one.nickname]), world.me?.nickname)
  panel.leave.hidden = !world.me?.subscribed
  panel.office.href = withLanguage(`/backoffice${world.account ? `?account=${encodeURIComponent(world.account.appid)}` : ''}`)
  panel.quota.textContent = quotaText()
}

function quotaText() {
  if (!world.me?.subscribed) return ''
  if (!world.me.window_closes_at) return t.noWindow
  const closes = chatTime(world.me.window_closes_at, world.now)
  return `${t.sendsLeft} ${world.me.sends_left} · ${t.windowCloses} ${closes}`
}

// ---- the phone ------------------------------------------------------------------------------------------------

function buildPhone() {
  const clock = h('span', { class: 'clock' })
  const status = h('div', { class: 'status', 'aria-hidden': 'true' }, clock, h('span', { class: 'battery' }))
  const title = h('h2', { class: 'title', 'aria-live': 'polite' })
  const bar = h('header', { class: 'bar' }, icon(ICONS.back), title, icon(ICONS.person))
  const log = h('div', { class: 'log', role: 'log', tabindex: '0', 'aria-label': t.chat })
  const toast = h('p', { class: 'toast', role: 'status', hidden: true })
  const composer = createComposer({
    say: sendText,
    send: sendKind,
    sendFile,
    sendRecording,
    opened: () => toEnd(),
    swap: () => showMenu(true),
    failed: sayForAWhile,
  })
  const menu = createMenuBar({ tap: tapMenu, swap: () => showMenu(false) })
  const profile = h('section', { class: 'profile', hidden: true })
  const chatScreen = h('section', { class: 'chat', hidden: true }, log, composer.element, menu.element)
  stayAtEnd(log)
  const screen = h('div', { class: 'screen' }, status, bar, profile, chatScreen, toast)
  document.getElementById('phone').append(screen)
  return { clock, bar, title, log, toast, composer, menu, profile, chatScreen }
}

// Pictures and films get their height when they are there: whoever reads the end goes on reading it.
function stayAtEnd(log) {
  let before = 0
  log.addEventListener('scroll', () => {
    if (log.scrollTop < before) readsEnd = false
    if (log.scrollHeight - log.scrollTop - log.clientHeight < 80) readsEnd = true
    before = log.scrollTop
  })
  for (const arrival of ['load', 'loadedmetadata']) log.addEventListener(arrival, () => readsEnd && toEnd(), true)
}

function showPhone() {
  phone.clock.textContent = chatTime(world.now, world.now)
  const following = Boolean(world.me?.subscribed)
  phone.chatScreen.hidden = !following
  phone.profile.hidden = following
  phone.bar.classList.toggle('plain', !following)
  phone.title.textContent = following ? (world.me.typing ? t.typing : world.account.name) : ''
  document.title = world.account ? `${world.account.name} · ${t.sandbox}` : t.sandbox
}

function showChat() {
  const stays = readsEnd || world.chat.at(-1)?.direction === 'in'
  phone.log.replaceChildren(
    ...renderChat(world.chat, {
      now: world.now,
      me: world.me.nickname,
      account: world.account.name,
      act: { choose: (id, content) => act(() => post(`${mine()}/message`, { type: 'text', content, bizmsgmenuid: id })) },
    }),
  )
  if (stays) toEnd()
}

function toEnd() {
  phone.log.scrollTop = phone.log.scrollHeight
}

function showProfile() {
  const { account } = world
  const kind = `${t[account.type]} · ${account.verified ? t.verified : t.unverified}`
  phone.profile.replaceChildren(
    h('div', { class: 'who' }, avatar(account.name), h('h3', {}, account.name), h('p', {}, kind)),
    h('p', { class: 'about' }, t.profileLead),
    h('button', { class: 'follow', type: 'button', onclick: () => act(() => post(`${mine()}/follow`)) }, t.follow),
  )
}

function showNothing() {
  const office = h('a', { class: 'follow', href: withLanguage('/backoffice') }, t.backOffice)
  phone.profile.hidden = false
  phone.profile.replaceChildren(h('p', { class: 'about' }, t.noAccounts), office)
}

function say(text) {
  phone.toast.textContent = text
  phone.toast.hidden = text === ''
}

// ---- acting and following what happens --------------------------------------------------------------------------

const mine = () => followerPath(world.account.appid, world.me.openid)

async function act(step) {
  try {
    await step()
    await refresh()
  } catch (error) {
    sayForAWhile(`${t.failed}: ${t[error.code] ?? error.message}`)
  }
}

function sayForAWhile(text) {
  say(text)
  setTimeout(() => phone.toast.textContent === text && say(''), 3000)
}

function tapMenu(path, more) {
  act(() => post(`${mine()}/tap`, { path, ...more }))
}

function showMenu(shown) {
  world.menuShown = shown
  phone.composer.closeSheet()
  showBar()
}

// With a menu the bar shows it first, as WeChat does; a button leads to the row for writing and back.
function showBar() {
  phone.menu.show(world.menu)
  phone.composer.menu.hidden = !world.menu
  phone.menu.element.hidden = !(world.menu && world.menuShown)
  phone.composer.element.hidden = Boolean(world.menu && world.menuShown)
}

function sendText(content) {
  act(() => post(`${mine()}/message`, { type: 'text', content }))
}

function sendKind(description) {
  act(() => post(`${mine()}/message`, description))
}

function sendFile(file, type) {
  // Accounts are told a file's name and size and can never have its bytes, so these go nowhere.
  if (type === 'file') return sendKind({ type, title: file.name, file_total_len: file.size })
  act(async () => {
    const kept = await upload(`${mine()}/media`, file, type)
    await post(`${mine()}/message`, { type: kept.type, media_id: kept.media_id })
  })
}

function sendRecording(recording) {
  act(async () => {
    const kept = await upload(`${mine()}/recording`, recording)
    await post(`${mine()}/message`, { type: 'voice', media_id: kept.media_id })
  })
}

function unfollow() {
  phone.composer.closeSheet()
  act(() => post(`${mine()}/unfollow`))
}

async function enter(appid, nickname) {
  world.account = world.accounts.find((account) => account.appid === appid) ?? world.accounts[0] ?? null
  if (world.account === null) return showNothing()
  world.people = await get(`${accountPath(world.account.appid)}/followers`)
  const name = nickname || world.people[0]?.nickname || FIRST_NAME
  world.me = await post(`${accountPath(world.account.appid)}/followers`, { nickname: name })
  if (!world.people.some((one) => one.openid === world.me.openid)) world.people.push(world.me)
  world.revision = -1
  phone.log.replaceChildren()
  rememberAddress()
  await scanFromAddress()
  showProfile()
  await refresh()
  toEnd()
}

// The picture of a code leads here: looking at it with a camera is scanning it.
async function scanFromAddress() {
  const ticket = address.get('scan')
  if (!ticket) return
  address.delete('scan')
  rememberAddress()
  await post(`${mine()}/scan`, { ticket }).catch((error) => say(`${t.failed}: ${error.message}`))
}

function rememberAddress() {
  // Pages that the follower opens from the chat learn from it whose phone this is.
  document.cookie = `phone=${world.me.openid}; path=/; SameSite=Lax`
  address.set('account', world.account.appid)
  address.set('follower', world.me.nickname)
  history.replaceState(null, '', `?${address}`)
}

async function refresh() {
  const me = world.me
  const view = await get(`${mine()}/phone?since=${world.revision}`)
  if (me.openid !== world.me.openid) return
  world.me = view.follower
  world.now = view.now
  world.menu = view.menu
  showPanel()
  showPhone()
  showBar()
  if (view.chat !== null) {
    world.chat = view.chat
    world.revision = view.revision
    showChat()
  }
}

async function watch() {
  try {
    if (world.account === null) {
      world.accounts = await get('/accounts')
      await enter(address.get('account'), address.get('follower'))
    } else {
      await refresh()
    }
    if (phone.toast.textContent === t.lost) say('')
  } catch {
    say(t.lost)
  }
  setTimeout(watch, POLL_MS)
}

showPanel()
watch()
