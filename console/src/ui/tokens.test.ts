import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

const css = readFileSync('src/ui/tokens.css', 'utf8')

function tokensOf(theme: string): Map<string, string> {
  const block = new RegExp(`\\[data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? ''
  const pairs = [...block.matchAll(/--([\w-]+):\s*([^;]+);/g)]
  return new Map(pairs.map((pair) => [pair[1] ?? '', pair[2] ?? '']))
}

/** Relative luminance after WCAG 2.2 of a colour written as #rrggbb. */
function luminance(hex: string): number {
  const channel = (from: number) => {
    const value = Number.parseInt(hex.slice(from, from + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05)
}

const GROUNDS = ['canvas', 'surface', 'raised', 'sunken', 'hover', 'selected']
const WORDS: [string, string, number][] = [
  ...GROUNDS.flatMap((ground): [string, string, number][] => [
    ['text', ground, 7],
    ['text-soft', ground, 4.5],
    ['accent-text', ground, 4.5],
  ]),
  ...['canvas', 'surface', 'raised', 'sunken', 'hover'].map((ground): [string, string, number] => [
    'text-faint',
    ground,
    4.5,
  ]),
  ['on-accent', 'accent', 4.5],
  ['on-accent', 'accent-hover', 4.5],
  ['on-bad', 'bad', 4.5],
  ['on-bad', 'bad-hover', 4.5],
  ['accent-text', 'accent-wash', 4.5],
  ['good', 'good-wash', 4.5],
  ['warn', 'warn-wash', 4.5],
  ['bad', 'bad-wash', 4.5],
  ['warn', 'surface', 4.5],
  ['bad', 'surface', 4.5],
  ['warn', 'selected', 4.5],
  ['bad', 'selected', 4.5],
  ['bad', 'canvas', 4.5],
  ['text', 'bubble-ours', 7],
  ['text', 'bubble-theirs', 7],
  ['accent-text', 'bubble-ours', 4.5],
  ['text-soft', 'bubble-theirs', 4.5],
  ['control-line', 'surface', 3],
  ['focus', 'canvas', 3],
  ['focus', 'surface', 3],
]

describe('the design tokens', () => {
  it('have the same names in both themes', () => {
    const light = [...tokensOf('light').keys()]
    expect(light.length).toBeGreaterThan(30)
    expect([...tokensOf('dark').keys()]).toEqual(light)
  })

  it('define every token that a style sheet uses', () => {
    const used = new Set(
      Object.values(
        import.meta.glob<string>('../**/*.{vue,css}', {
          query: '?raw',
          import: 'default',
          eager: true,
        }),
      )
        .flatMap((text) => [...text.matchAll(/var\(--([\w-]+)/g)])
        .map((match) => match[1] ?? ''),
    )
    const own = new Set(['hue', 'edge'])
    const all = new Set([...css.matchAll(/--([\w-]+):/g)].map((match) => match[1]))
    expect([...used].filter((name) => !all.has(name) && !own.has(name))).toEqual([])
  })

  for (const theme of ['light', 'dark']) {
    it.each(WORDS)(`in ${theme} set %s on %s apart by %d to 1`, (words, ground, least) => {
      const tokens = tokensOf(theme)
      const found = contrast(tokens.get(words) ?? '', tokens.get(ground) ?? '')
      expect(found).toBeGreaterThanOrEqual(least)
    })
  }
})
