// The phone page: a follower's WeChat, and beside it the sandbox's own controls.

import { renderChat } from './bubbles.js'
import { accountPath, followerPath, get, post } from './control.js'
import { avatar, fillSelect, h, icon } from './dom.js'
import { FACES, withCodes } from './faces.js'
import { chatTime, linkInOtherLanguage, t, withLanguage } from './language.js'

const POLL_MS = 500
const FIRST_NAME = '小林'

const LINE = 'fill="none" stroke="#181818" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"'
const ICONS = {
  back: `<path d="M17 6l-8 8 8 8" ${LINE}/>`,
  person: `<circle cx="14" cy="9.5" r="4.5" ${LINE}/><path d="M5 23.5c.8-5 4.4-7 9-7s8.2 2 9 7z" ${LINE}/>`,
  voice: `<circle cx="14" cy="14" r="11.5" ${LINE}/><path d="M11 12.3a3 3 0 0 1 0 3.4M13.8 10.5a6 6 0 0 1 0 7M16.6 8.7a9.5 9.5 0 0 1 0 10.6" ${LINE}/>`,
  face: `<circle cx="14" cy="14" r="11.5" ${LINE}/><circle cx="10" cy="11.5" r="1.3"/><circle cx="18" cy="11.5" r="1.3"/><path d="M8.5 16.5c2.5 4.4 8.5 4.4 11 0z" ${LINE}/>`,
  plus: `<circle cx="14" cy="14" r="11.5" ${LINE}/><path d="M14 8.5v11M8.5 14h11" ${LINE}/>`,
  image: `<rect x="4" y="6" width="20" height="16" rx="2" ${LINE}/><circle cx="10" cy="11.5" r="1.8" ${LINE}/><path d="M5 20l6-5 4 3 4-4 4.5 4.5" ${LINE}/>`,
  mic: `<rect x="10.5" y="4" width="7" height="12" rx="3.5" ${LINE}/><path d="M6.5 13.5a7.5 7.5 0 0 0 15 0M14 21v3.5" ${LINE}/>`,
  video: `<rect x="3.5" y="8" width="14" height="12" rx="2" ${LINE}/><path d="M17.5 13l7-4v10l-7-4z" ${LINE}/>`,
  pin: `<path d="M14 4a7 7 0 0 0-7 7c0 5 7 13 7 13s7-8 7-13a7 7 0 0 0-7-7z" ${LINE}/><circle cx="14" cy="11" r="2.5" ${LINE}/>`,
  file: `<path d="M7.5 4h9l5 5v15h-14zM16.5 4v5h5" ${LINE}/>`,
  link: `<path d="M12 16a4 4 0 0 1 0-5.5l3-3a4 4 0 0 1 5.6 5.6L19 14.7M16 12a4 4 0 0 1 0 5.5l-3 3a4 4 0 0 1-5.6-5.6L9 13.3" ${LINE}/>`,
}

const EXTRAS = [
  [t.image, ICONS.image, () => ({ type: 'image' })],
  [t.voice, ICONS.mic, () => ({ type: 'voice' })],
  [t.video, ICONS.video, () => ({ type: 'video' })],
  [t.location, ICONS.pin, () => ({ type: 'location', label: t.locationLabel })],
  [t.file, ICONS.file, () => ({ type: 'file', title: t.fileTitle })],
  [t.link, ICONS.link, () => ({ type: 'link', title: t.linkTitle, description: t.linkText })],
]

const address = new URLSearchParams(location.search)
const world = { accounts: [], people: [], account: null, me: null, revision: -1, chat: [], now: 0, sheet: null }

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
  const more = h('div', { class: 'extra' }, newPhone, quota, h('p', { class: 'links' }, office, languageLink()))
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
  const composer = buildComposer()
  const profile = h('section', { class: 'profile', hidden: true })
  const chatScreen = h('section', { class: 'chat', hidden: true }, log, composer.element)
  const screen = h('div', { class: 'screen' }, status, bar, profile, chatScreen, toast)
  document.getElementById('phone').append(screen)
  return { clock, bar, title, log, toast, composer, profile, chatScreen }
}

function buildComposer() {
  const input = h('textarea', { rows: 1, 'aria-label': t.message, enterkeyhint: 'send' })
  const send = h('button', { class: 'send', type: 'button', hidden: true, onclick: () => sendText() }, t.send)
  const plus = iconButton(t.more, ICONS.plus, () => openSheet('extras'))
  const faces = iconButton(t.faces, ICONS.face, () => openSheet('faces'))
  const sheet = h('div', { class: 'sheet', hidden: true })
  const voice = h('span', { class: 'still' }, icon(ICONS.voice))
  const row = h('div', { class: 'row' }, voice, input, faces, plus, send)
  input.addEventListener('input', fitComposer)
  input.addEventListener('focus', () => openSheet(null))
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    sendText()
  })
  return { element: h('footer', { class: 'composer' }, row, sheet), input, send, plus, sheet }
}

function iconButton(label, paths, onclick) {
  return h('button', { class: 'icon', type: 'button', 'aria-label': label, title: label, onclick }, icon(paths))
}

function fitComposer() {
  const { input, send, plus } = phone.composer
  const empty = input.value.trim() === ''
  send.hidden = empty
  plus.hidden = !empty
  input.style.height = 'auto'
  input.style.height = `${Math.min(input.scrollHeight, 120)}px`
}

function openSheet(name) {
  const { sheet } = phone.composer
  world.sheet = world.sheet === name ? null : name
  sheet.hidden = world.sheet === null
  if (world.sheet === 'extras') sheet.replaceChildren(h('div', { class: 'extras' }, EXTRAS.map(extraButton)))
  if (world.sheet === 'faces') sheet.replaceChildren(h('div', { class: 'faces' }, FACES.map(faceButton)))
  toEnd()
}

function extraButton([label, paths, describe]) {
  const choose = () => {
    openSheet(null)
    act(() => post(`${mine()}/message`, describe()))
  }
  return h('button', { type: 'button', onclick: choose }, h('span', { class: 'tile' }, icon(paths)), h('span', {}, label))
}

function faceButton([, name, emoji]) {
  const insert = () => {
    phone.composer.input.value += name
    fitComposer()
  }
  return h('button', { type: 'button', 'aria-label': name, onclick: insert }, emoji)
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
  const atEnd = phone.log.scrollHeight - phone.log.scrollTop - phone.log.clientHeight < 80
  phone.log.replaceChildren(
    ...renderChat(world.chat, {
      now: world.now,
      me: world.me.nickname,
      account: world.account.name,
      act: { choose: (id, content) => act(() => post(`${mine()}/message`, { type: 'text', content, bizmsgmenuid: id })) },
    }),
  )
  if (atEnd || world.chat.at(-1)?.direction === 'in') toEnd()
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
    say(`${t.failed}: ${error.message}`)
    setTimeout(() => say(''), 3000)
  }
}

function sendText() {
  const { input } = phone.composer
  const content = withCodes(input.value.trim())
  if (!content) return
  input.value = ''
  fitComposer()
  act(() => post(`${mine()}/message`, { type: 'text', content }))
}

function unfollow() {
  openSheet(null)
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
  showProfile()
  await refresh()
  toEnd()
}

function rememberAddress() {
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
  showPanel()
  showPhone()
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
