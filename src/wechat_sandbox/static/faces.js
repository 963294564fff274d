// WeChat's faces: the code that travels in a text, the name in brackets and a similar emoji. Newer ones have no code.

import { h } from './dom.js'

export const FACES = [
  ['/::)', '[微笑]', '🙂'], ['/::~', '[撇嘴]', '😕'], ['/::B', '[色]', '😍'], ['/::|', '[发呆]', '😳'],
  ['/:8-)', '[得意]', '😎'], ['/::<', '[流泪]', '😢'], ['/::$', '[害羞]', '☺️'], ['/::X', '[闭嘴]', '🤐'],
  ['/::Z', '[睡]', '😴'], ["/::'(", '[大哭]', '😭'], ['/::-|', '[尴尬]', '😅'], ['/::@', '[发怒]', '😡'],
  ['/::P', '[调皮]', '😜'], ['/::D', '[呲牙]', '😁'], ['/::O', '[惊讶]', '😮'], ['/::(', '[难过]', '🙁'],
  ['/::Q', '[抓狂]', '😫'], ['/::T', '[吐]', '🤮'], ['/:,@P', '[偷笑]', '🤭'], ['/::-D', '[愉快]', '😊'],
  ['/::d', '[白眼]', '🙄'], ['/::!', '[惊恐]', '😨'], ['/::L', '[流汗]', '😓'], ['/::>', '[憨笑]', '😄'],
  ['/:?', '[疑问]', '🤔'], ['/:,@x', '[嘘]', '🤫'], ['/:,@@', '[晕]', '😵'], ['/:bye', '[再见]', '👋'],
  ['/:handclap', '[鼓掌]', '👏'], ['/:rose', '[玫瑰]', '🌹'], ['/:heart', '[爱心]', '❤️'], ['/:break', '[心碎]', '💔'],
  ['/:cake', '[蛋糕]', '🎂'], ['/:strong', '[强]', '👍'], ['/:weak', '[弱]', '👎'], ['/:share', '[握手]', '🤝'],
  ['/:@)', '[抱拳]', '🙏'], ['/:v', '[胜利]', '✌️'], ['/:ok', '[OK]', '👌'], ['/:hug', '[拥抱]', '🤗'],
  ['/:,@o', '[傲慢]', '😤'], ['/:|-)', '[困]', '😪'], ['/:,@f', '[奋斗]', '💪'], ['/:no', '[NO]', '🙅'],
  ['[捂脸]', '[捂脸]', '🤦'], ['[奸笑]', '[奸笑]', '😏'], ['[嘿哈]', '[嘿哈]', '😆'], ['[机智]', '[机智]', '🤓'],
  ['[皱眉]', '[皱眉]', '😖'], ['[耶]', '[耶]', '✌️'],
]

const BY_TEXT = new Map(FACES.flatMap(([code, name, emoji]) => [[code, emoji], [name, emoji]]))
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const longestFirst = [...BY_TEXT.keys()].sort((a, b) => b.length - a.length)
const ANY_FACE = new RegExp(longestFirst.map(escaped).join('|'), 'g')

// The parts of a text: its words, and a picture for each face, which is copied as the code that it came as.
export function withFaces(text) {
  const parts = []
  let end = 0
  for (const match of text.matchAll(ANY_FACE)) {
    parts.push(text.slice(end, match.index), face(match[0]))
    end = match.index + match[0].length
  }
  return [...parts, text.slice(end)].filter((part) => part !== '')
}

function face(code) {
  const [, name] = FACES.find((one) => one.includes(code))
  return h('span', { class: 'face', role: 'img', 'aria-label': name.slice(1, -1) }, BY_TEXT.get(code))
}

export function withCodes(text) {
  return FACES.reduce((result, [code, name]) => result.replaceAll(name, code), text)
}
