// The authorization page: waits for the administrator's word and moves on.

import { get } from './control.js'
import { t } from './platform_texts.js'

const POLL_MS = 500

const { request } = document.querySelector('main').dataset
const picture = document.getElementById('picture')
const state = document.getElementById('state')

const SHOWN = {
  scanned: [t.pageScanned, 'good', 'done'],
  confirmed: [t.pageConfirmed, 'good', 'done'],
  cancelled: [t.pageCancelled, 'bad', 'over'],
}

function show(name, leads) {
  const [text, tone, mark] = SHOWN[name]
  state.textContent = name === 'confirmed' && !leads ? t.pageConfirmedOnly : text
  state.className = tone
  picture.className = `picture ${mark}`
  document.getElementById('phone').hidden = name !== 'scanned'
}

async function watch() {
  try {
    const visit = await get(`/authorization-requests/${request}`)
    if (visit.state !== 'waiting') show(visit.state, visit.redirect_url !== '')
    if (visit.state === 'confirmed' || visit.state === 'cancelled') {
      if (visit.redirect_url) location.assign(visit.redirect_url)
      return
    }
  } catch {
    // The next look tries again.
  }
  setTimeout(watch, POLL_MS)
}

watch()
