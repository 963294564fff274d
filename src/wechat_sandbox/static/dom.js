// Building elements without markup strings, so that nothing a message says is ever taken for HTML.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value)
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined))
  return element
}

export function icon(paths, size = 28) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 28 28')
  svg.setAttribute('width', size)
  svg.setAttribute('height', size)
  svg.setAttribute('aria-hidden', 'true')
  svg.innerHTML = paths // only ever the constants of our own modules
  return svg
}

const HUES = [152, 206, 28, 262, 340, 184, 88, 230]

export function avatar(name, label) {
  let sum = 0
  for (const character of name) sum += character.codePointAt(0)
  const hue = HUES[sum % HUES.length]
  const element = h('span', { class: 'avatar', 'aria-hidden': 'true', title: label ?? name }, [...name][0] ?? '?')
  element.style.background = `linear-gradient(145deg, hsl(${hue} 55% 52%), hsl(${hue + 18} 60% 40%))`
  return element
}

export function fillSelect(select, options, chosen) {
  const wanted = JSON.stringify([options, chosen])
  if (select.dataset.filled === wanted) return
  select.dataset.filled = wanted
  select.replaceChildren(
    ...options.map(([value, label]) => h('option', { value, selected: value === chosen }, label)),
  )
}
