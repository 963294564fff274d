import { describe, expect, it } from 'vitest'

import { FACES, splitFaces } from './faces'

const LISTED = [
  ...['/::)', '/::~', '/::B', '/::|', '/:8-)', '/::<', '/::$', '/::X', '/::Z', "/::'(", '/::-|'],
  ...['/::@', '/::P', '/::D', '/::O', '/::(', '/::Q', '/::T', '/:,@P', '/::-D', '/::d', '/:,@o'],
  ...['/:|-)', '/::!', '/::L', '/::>', '/:,@f', '/:?', '/:,@x', '/:,@@', '/:bye', '/:handclap'],
  ...['/:rose', '/:heart', '/:break', '/:cake', '/:strong', '/:weak', '/:share', '/:@)', '/:v'],
  ...['/:no', '/:ok', '/:hug', '[捂脸]', '[奸笑]', '[嘿哈]', '[机智]', '[皱眉]', '[耶]', '[Smile]'],
]

/** Numbers from 0 to 1 that are the same on each run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A text of codes, halves of codes, their letters, and words around them. */
function aText(seed: number): string {
  const next = numbers(seed)
  const codes = [...FACES.keys()]
  const others = [
    '/',
    ':',
    '[',
    ']',
    '@',
    '<',
    '>',
    '&',
    '|',
    '-',
    ' ',
    '\n',
    '你好',
    'ok',
    '😀',
    '\u{1F468}\u200D\u{1F469}',
    '\uD83D',
  ]
  return Array.from({ length: Math.floor(next() * 30) }, () => {
    const code = codes[Math.floor(next() * codes.length)] ?? ''
    const pick = next()
    if (pick < 0.4) return code
    if (pick < 0.6) return code.slice(0, Math.floor(next() * code.length))
    return others[Math.floor(next() * others.length)] ?? ''
  }).join('')
}

const TEXTS = Array.from({ length: 2000 }, (_, seed) => aText(seed))

describe('faces', () => {
  it('are all found', () => {
    for (const code of LISTED) {
      const pieces = splitFaces(`好${code}的`)
      expect(pieces.map((piece) => piece.text)).toEqual(['好', code, '的'])
      expect(pieces[1]?.face?.emoji).toMatch(/\p{Extended_Pictographic}/u)
    }
  })

  it('have a name in both languages and one picture', () => {
    for (const [code, face] of FACES) {
      expect(face.zh, code).not.toBe('')
      expect(face.en, code).not.toBe('')
      expect(Array.from(face.emoji).length, code).toBeLessThanOrEqual(3)
    }
  })

  it('never change the text', () => {
    for (const text of TEXTS) {
      expect(
        splitFaces(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text)
    }
  })

  it('are exactly the known codes, and no words between them are empty', () => {
    for (const piece of TEXTS.flatMap(splitFaces)) {
      expect(piece.text).not.toBe('')
      expect(piece.face).toBe(FACES.get(piece.face ? piece.text : '') ?? null)
    }
  })

  it('have codes of which none begins another, so that none is ever cut', () => {
    const codes = [...FACES.keys()]
    const cut = codes.filter((code) =>
      codes.some((other) => other !== code && other.startsWith(code)),
    )
    expect(cut).toEqual([])
    const all = codes.join('')
    expect(splitFaces(all).map((piece) => piece.text)).toEqual(codes)
  })

  it('leave other brackets, strokes and times alone', () => {
    for (const text of [
      '[订单]',
      'a/b',
      '12:30',
      '[',
      '/',
      '/:',
      '[捂脸',
      '捂脸]',
      'x[0]',
      '和/或',
    ])
      expect(splitFaces(text)).toEqual([{ text, face: null }])
    expect(splitFaces('')).toEqual([])
  })

  it('are found in long texts made of beginnings without delay', () => {
    const begun = performance.now()
    for (const part of ['/', '[', '/:', '[[', '/:,@', '/:handcla'])
      splitFaces(part.repeat(200_000 / part.length))
    expect(performance.now() - begun).toBeLessThan(2000)
  })
})
