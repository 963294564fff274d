// The row at the bottom of the phone: text, faces, pictures and all else that a follower can send.

import { h, icon } from './dom.js'
import { FACES, withCodes } from './faces.js'
import { ICONS } from './icons.js'
import { t } from './language.js'
import { createRecorder } from './recorder.js'

// `say(text)`, `send(description)`, `sendFile(file, type)` and `sendRecording(blob)` carry things off; `opened()` follows
// a change of height, and `failed(text)` tells the follower.
export function createComposer({ say, send, sendFile, sendRecording, opened, swap, failed }) {
  const input = h('textarea', { rows: 1, 'aria-label': t.message, enterkeyhint: 'send' })
  const submit = h('button', { class: 'send', type: 'button', hidden: true, onclick: () => sendText() }, t.send)
  const plus = iconButton(t.more, ICONS.plus, () => openSheet('extras'))
  const faces = iconButton(t.faces, ICONS.face, () => openSheet('faces'))
  const sheet = h('div', { class: 'sheet', hidden: true })
  const recorder = createRecorder({ send: sendRecording, failed, shown: (yes) => (row.hidden = yes) })
  const voice = iconButton(t.record, ICONS.voice, () => {
    if (open !== null) openSheet(null)
    recorder.start()
  })
  let open = null

  function fit() {
    const empty = input.value.trim() === ''
    submit.hidden = empty
    plus.hidden = !empty
    input.style.height = 'auto'
    input.style.height = `${Math.min(input.scrollHeight, 120)}px`
  }

  function sendText() {
    const content = withCodes(input.value.trim())
    if (!content) return
    input.value = ''
    fit()
    say(content)
  }

  function openSheet(name) {
    open = open === name ? null : name
    sheet.hidden = open === null
    if (open === 'extras') sheet.replaceChildren(h('div', { class: 'extras' }, extras()))
    if (open === 'faces') sheet.replaceChildren(h('div', { class: 'faces' }, FACES.map(faceButton)))
    opened()
  }

  function faceButton([, name, emoji]) {
    const insert = () => {
      input.value += name
      fit()
    }
    return h('button', { type: 'button', 'aria-label': name, onclick: insert }, emoji)
  }

  function extras() {
    const describe = (description) => () => {
      openSheet(null)
      send(description)
    }
    return [
      fileTile(t.album, ICONS.image, 'image/jpeg,image/png,image/gif', 'image'),
      tile(t.samplePicture, ICONS.image, describe({ type: 'image' })),
      fileTile(t.videoFile, ICONS.video, 'video/mp4', 'video'),
      fileTile(t.anyFile, ICONS.file, '', 'file'),
      tile(t.voice, ICONS.mic, describe({ type: 'voice' })),
      tile(t.voiceWithText, ICONS.mic, describe({ type: 'voice', format: 'mp3', recognition: t.recognised })),
      tile(t.speex, ICONS.mic, describe({ type: 'voice', format: 'speex', recognition: '' })),
      tile(t.video, ICONS.video, describe({ type: 'video' })),
      tile(t.location, ICONS.pin, describe({ type: 'location', label: t.locationLabel })),
      tile(t.file, ICONS.file, describe({ type: 'file', title: t.fileTitle })),
      tile(t.link, ICONS.link, describe({ type: 'link', title: t.linkTitle, description: t.linkText })),
    ]
  }

  function fileTile(label, paths, accept, type) {
    const chooser = h('input', { type: 'file', accept, 'aria-label': label, class: 'chooser' })
    chooser.addEventListener('change', () => {
      const [file] = chooser.files
      openSheet(null)
      if (file) sendFile(file, type)
    })
    return h('label', { class: 'choose' }, h('span', { class: 'tile' }, icon(paths)), h('span', {}, label), chooser)
  }

  input.addEventListener('input', fit)
  input.addEventListener('focus', () => {
    if (open !== null) openSheet(null)
  })
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    sendText()
  })
  input.addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith('image/'))
    if (!file) return
    event.preventDefault()
    sendFile(file, 'image')
  })

  const menu = iconButton(t.menu, ICONS.menu, swap)
  const row = h('div', { class: 'row' }, menu, voice, input, faces, plus, submit)
  const element = h('footer', { class: 'composer' }, row, recorder.element, sheet)
  return { element, menu, closeSheet: () => open !== null && openSheet(null) }
}

function iconButton(label, paths, onclick) {
  return h('button', { class: 'icon', type: 'button', 'aria-label': label, title: label, onclick }, icon(paths))
}

function tile(label, paths, onclick) {
  return h('button', { type: 'button', onclick }, h('span', { class: 'tile' }, icon(paths)), h('span', {}, label))
}
