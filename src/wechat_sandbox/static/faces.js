// WeChat's classic faces: the code that travels in a text, its bracket name and a similar emoji.

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
]

const BY_TEXT = new Map(FACES.flatMap(([code, name, emoji]) => [[code, emoji], [name, emoji]]))
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const longestFirst = [...BY_TEXT.keys()].sort((a, b) => b.length - a.length)
const ANY_FACE = new RegExp(longestFirst.map(escaped).join('|'), 'g')

export const withEmoji = (text) => text.replace(ANY_FACE, (face) => BY_TEXT.get(face))

export function withCodes(text) {
  return FACES.reduce((result, [code, name]) => result.replaceAll(name, code), text)
}
