// One chat entry as WeChat shows it.

import { avatar, h, icon } from './dom.js'
import { withFaces } from './faces.js'
import { chatTime, t } from './language.js'

const GAP_S = 300

const PLAY = '<circle cx="14" cy="14" r="12.5" fill="rgba(0,0,0,.35)" stroke="#fff" stroke-width="1.6"/>' +
  '<path d="M11.5 9l8 5-8 5z" fill="#fff"/>'
const WAVES = '<path d="M8 11.5a4 4 0 0 1 0 5M11.5 8.8a8 8 0 0 1 0 10.4M15 6a12.5 12.5 0 0 1 0 16" fill="none" ' +
  'stroke="#181818" stroke-width="1.8" stroke-linecap="round"/>'
const PICTURE = '<rect width="28" height="28" fill="#cfe3f4"/><circle cx="20" cy="8" r="3" fill="#ffd66b"/>' +
  '<path d="M0 23l8-9 6 6 4-4 10 9v3H0z" fill="#6ea56b"/><path d="M0 25l9-7 10 8 9-5v7H0z" fill="#4c8754"/>'
const MAP = '<rect width="28" height="28" fill="#eef1ea"/><path d="M0 18h28M9 0v28M20 0l-5 28" stroke="#fff" ' +
  'stroke-width="2.4"/><path d="M0 9l28 4" stroke="#f6d98b" stroke-width="2.4"/>'
const PIN = '<path d="M14 3a7.5 7.5 0 0 0-7.5 7.5C6.5 16 14 25 14 25s7.5-9 7.5-14.500A7.5 7.5 0 0 0 14 3z" ' +
  'fill="#07c160"/><circle cx="14" cy="10.5" r="2.8" fill="#fff"/>'
const PAPER = '<path d="M6 2h11l6 6v18H6z" fill="#f06a5d"/><path d="M17 2l6 6h-6z" fill="#c94b40"/>' +
  '<text x="14.5" y="20" font-size="7" fill="#fff" text-anchor="middle" font-family="sans-serif">DOC</text>'

// `act.choose(id, content)` is called when an item of a menu message is tapped.
export function renderChat(chat, { now, me, account, act }) {
  const lines = []
  let last = -Infinity
  for (const entry of chat) {
    if (entry.kind === 'event') continue
    if (entry.at - last > GAP_S) lines.push(h('p', { class: 'time' }, chatTime(entry.at, now)))
    last = entry.at
    lines.push(entry.via === 'notice' ? h('p', { class: 'notice' }, entry.text) : line(entry, { me, account, act }))
  }
  return lines
}

function line(entry, { me, account, act }) {
  const mine = entry.direction === 'in'
  const body = h('div', { class: 'body' }, content(entry, act))
  if (entry.data.is_ai_msg) body.append(h('span', { class: 'ai-note' }, t.aiNote))
  return h(
    'div',
    { class: `line ${mine ? 'mine' : 'theirs'}`, 'data-via': entry.via, 'data-kind': entry.kind },
    avatar(mine ? me : account),
    body,
  )
}

function content(entry, act) {
  switch (entry.kind) {
    case 'text':
      return h('div', { class: 'bubble' }, richText(entry.text, act))
    case 'msgmenu':
      return menu(entry, act)
    case 'news':
      return entry.data.articles.map(article)
    case 'image':
      return picture(entry)
    case 'video':
    case 'shortvideo':
      return film(entry)
    case 'voice':
      return sound(entry)
    case 'music':
      return card('music', entry.text, entry.data.description, h('span', { class: 'thumb' }, '🎵'))
    case 'miniprogrampage':
      return card('program', entry.text, t.miniProgram, thumb(entry.data.thumb_blob))
    case 'location':
      return card('place', entry.text, '', h('div', { class: 'map' }, scenery(MAP), icon(PIN, 34)))
    case 'link':
      return card('link', entry.text, entry.data.description, h('span', { class: 'thumb' }, '🔗'))
    case 'file':
      return card('file', entry.text, size(entry.data.size_bytes), icon(PAPER, 40))
    default:
      return h('div', { class: 'bubble' }, `[${entry.kind}] ${entry.text}`)
  }
}

const blobAddress = (name) => `/sandbox/blobs/${encodeURIComponent(name)}`

function picture(entry) {
  // A made-up media id has no bytes: a drawing stands for them.
  if (!entry.data.blob) return h('div', { class: 'picture', role: 'img', 'aria-label': t.image }, scenery(PICTURE))
  const address = blobAddress(entry.data.blob)
  const open = { class: 'photo', href: address, target: '_blank', rel: 'noreferrer', 'aria-label': t.openPicture }
  return h('a', open, h('img', { src: address, alt: t.image }))
}

function film(entry) {
  if (!entry.data.blob) {
    const label = { class: 'picture film', role: 'img', 'aria-label': t.video }
    return h('div', label, scenery(PICTURE), icon(PLAY, 48))
  }
  const player = { class: 'film-player', src: blobAddress(entry.data.blob), controls: true, preload: 'metadata' }
  return h('video', { ...player, playsinline: true, 'aria-label': t.video })
}

// Browsers play no AMR, so the stand-in converts it; Speex nobody here can play, and it is only shown.
const PLAYABLE = { 'audio/mpeg': '', 'audio/amr': '/playable', 'audio/amr-wb': '/playable' }

function sound(entry) {
  const seconds = Math.max(1, Math.round(entry.data.duration_s ?? 3))
  const inside = [`${seconds}″`, icon(WAVES, 20)]
  const form = PLAYABLE[entry.data.media_type]
  const bubble =
    entry.data.blob && form !== undefined
      ? h('button', { class: 'bubble voice', type: 'button', 'aria-label': t.playVoice }, inside)
      : h('div', { class: 'bubble voice', role: 'img', 'aria-label': t.voice }, inside)
  bubble.addEventListener('click', () => form !== undefined && play(bubble, blobAddress(entry.data.blob) + form))
  bubble.style.width = `${Math.min(230, 80 + seconds * 4)}px`
  return entry.data.recognition ? [bubble, h('div', { class: 'recognised' }, entry.data.recognition)] : bubble
}

let playing = null

// One voice plays at a time; tapping it again stops it.
function play(bubble, address) {
  const again = playing?.bubble === bubble
  playing?.stop()
  if (again) return
  const audio = new Audio(address)
  const stop = () => {
    audio.pause()
    bubble.removeAttribute('aria-pressed')
    playing = null
  }
  playing = { bubble, stop }
  audio.addEventListener('playing', () => bubble.setAttribute('aria-pressed', 'true'))
  audio.addEventListener('ended', stop)
  audio.play().catch(() => {
    if (playing?.bubble !== bubble) return
    stop()
    bubble.title = t.notPlayable
  })
}

function thumb(blob) {
  return blob
    ? h('img', { class: 'thumb', src: blobAddress(blob), alt: '' })
    : h('span', { class: 'thumb' }, '▦')
}

function scenery(paths) {
  const drawing = icon(paths, 28)
  drawing.setAttribute('preserveAspectRatio', 'xMidYMid slice')
  drawing.classList.add('scenery')
  return drawing
}

function card(kind, title, text, picture) {
  const words = h('div', { class: 'words' }, h('strong', {}, title), text ? h('span', {}, text) : null)
  return h('div', { class: `card ${kind}` }, words, picture)
}

function size(bytes) {
  return bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`
}

function article(item) {
  const words = h('div', { class: 'words' }, h('strong', {}, item.title), h('span', {}, item.description))
  const shown = safeAddress(item.picurl)
    ? h('img', { class: 'thumb', src: item.picurl, alt: '', referrerpolicy: 'no-referrer' })
    : h('span', { class: 'thumb' }, '📰')
  const inside = [words, shown]
  return safeAddress(item.url)
    ? h('a', { class: 'card article', href: item.url, target: '_blank', rel: 'noreferrer' }, inside)
    : h('div', { class: 'card article' }, inside)
}

function menu(entry, act) {
  const items = entry.data.list.map((item) =>
    h('button', { class: 'menu-item', type: 'button', onclick: () => act.choose(item.id, item.content) }, item.content),
  )
  return h('div', { class: 'bubble menu' }, richText(entry.text, act), ...items, richText(entry.data.tail_content, act))
}

const ANCHOR = /<a\s[^>]*?href="([^"]*)"[^>]*>([\s\S]*?)<\/a>/gi

// An address in a text can be tapped as it stands there; what closes the sentence around it is no part of it.
const ADDRESS = /https?:\/\/[^\s<>"'，。；、！？（）《》“”]*[^\s<>"'，。；、！？（）《》“”.,;:!?)\]]/gi

// WeChat renders links in a text and nothing else; every other tag is shown as it was written.
function richText(text, act) {
  const parts = []
  let end = 0
  for (const match of text.matchAll(ANCHOR)) {
    parts.push(...plainText(text.slice(end, match.index)), anchor(match[1], match[2], act))
    end = match.index + match[0].length
  }
  parts.push(...plainText(text.slice(end)))
  return h('span', { class: 'text' }, parts)
}

function plainText(text) {
  const parts = []
  let end = 0
  for (const { 0: address, index } of text.matchAll(ADDRESS)) {
    parts.push(...withFaces(text.slice(end, index)), anchor(address, address))
    end = index + address.length
  }
  parts.push(...withFaces(text.slice(end)))
  return parts
}

function anchor(address, label, act) {
  if (address.startsWith('weixin://bizmsgmenu')) {
    const query = new URLSearchParams(address.slice(address.indexOf('?') + 1).replaceAll('&amp;', '&'))
    const choose = () => act.choose(query.get('msgmenuid'), query.get('msgmenucontent'))
    return h('button', { class: 'inline-item', type: 'button', onclick: choose }, label)
  }
  return safeAddress(address) ? h('a', { href: address, target: '_blank', rel: 'noreferrer' }, label) : label
}

function safeAddress(address) {
  return typeof address === 'string' && /^https?:\/\//i.test(address)
}
