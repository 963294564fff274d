// Recording a voice: the row that takes the composer's place meanwhile.

import { h } from './dom.js'
import { t } from './language.js'

const LONGEST_S = 60
const SHORTEST_S = 0.5

// `send(blob)` takes what was recorded, `failed(text)` says why nothing was; `shown(yes)` follows the row.
export function createRecorder({ send, failed, shown }) {
  const time = h('span', { class: 'record-time', role: 'timer' })
  const cancel = h('button', { class: 'give-up', type: 'button', onclick: () => end(false) }, t.cancelRecording)
  const done = h('button', { class: 'send', type: 'button', onclick: () => end(true) }, t.sendRecording)
  const row = h('div', { class: 'row recorder', hidden: true, role: 'group', 'aria-label': t.recording })
  row.append(h('span', { class: 'record-dot', 'aria-hidden': 'true' }), time, cancel, done)
  let current = null

  async function start() {
    if (current) return
    current = {}
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
      const recorder = new MediaRecorder(stream)
      const parts = []
      recorder.addEventListener('dataavailable', (event) => parts.push(event.data))
      recorder.start()
      current = { stream, recorder, parts, since: Date.now(), ticker: setInterval(tick, 200) }
      show(true)
      tick()
    } catch {
      current = null
      failed(t.noMicrophone)
    }
  }

  function tick() {
    const seconds = (Date.now() - current.since) / 1000
    time.textContent = `${t.recording} ${Math.floor(seconds)}″`
    if (seconds >= LONGEST_S) end(true)
  }

  function end(keep) {
    if (!current?.recorder) return
    const { stream, recorder, parts, since, ticker } = current
    current = null
    clearInterval(ticker)
    show(false)
    const longEnough = (Date.now() - since) / 1000 >= SHORTEST_S
    recorder.addEventListener('stop', () => {
      for (const track of stream.getTracks()) track.stop()
      if (!keep) return
      if (longEnough) send(new Blob(parts, { type: recorder.mimeType }))
      else failed(t.tooShort)
    })
    recorder.stop()
  }

  function show(yes) {
    row.hidden = !yes
    shown(yes)
    if (yes) done.focus()
  }

  return { element: row, start }
}
