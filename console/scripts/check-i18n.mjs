// Fails unless both languages say the same things, every key in the sources exists, and none is left over.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), '../src')
const LOCALES = ['en', 'zh-CN']

function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

function flat(words, prefix = '') {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'string' ? [[prefix + key, value]] : flat(value, `${prefix}${key}.`),
  )
}

function wordsOf(all, locale) {
  const parts = all.filter((path) => path.endsWith(`/locales/${locale}.json`))
  return new Map(parts.flatMap((path) => flat(JSON.parse(readFileSync(path, 'utf8')))))
}

const placeholders = (text) =>
  [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort().join() // prettier-ignore

/** Keys that are asked for, all that look like one, and the patterns of those put together from values. */
function keysIn(all) {
  const asked = new Set()
  const exact = new Set()
  const patterns = []
  for (const path of all.filter((each) => /\.(vue|ts)$/.test(each) && !each.endsWith('.test.ts'))) {
    const text = readFileSync(path, 'utf8')
    for (const [, key] of text.matchAll(/\bte?\(\s*['"]([\w.-]+)['"]/g)) asked.add(key)
    for (const [, key] of text.matchAll(/['"]([a-zA-Z]+(?:\.[\w-]+)+)['"]/g)) exact.add(key)
    for (const [, key] of text.matchAll(/`([a-zA-Z]+\.(?:[^`$\s]|\$\{[^}]*\})*)`/g))
      patterns.push(key)
  }
  return { asked, exact, patterns: patterns.map(pattern) }
}

function pattern(template) {
  const parts = template
    .split(/\$\{[^}]*\}/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.+')}$`)
}

const all = files(SOURCE)
const [english, chinese] = LOCALES.map((locale) => wordsOf(all, locale))
const { asked, exact, patterns } = keysIn(all)
const problems = []

for (const [one, other, name] of [
  [english, chinese, 'zh-CN'],
  [chinese, english, 'en'],
])
  // prettier-ignore
  for (const key of one.keys()) if (!other.has(key)) problems.push(`${key}: missing in ${name}`)
for (const [key, text] of english) {
  if (text.trim() === '') problems.push(`${key}: empty`)
  const twin = chinese.get(key)
  if (twin !== undefined && placeholders(text) !== placeholders(twin))
    problems.push(`${key}: other placeholders in zh-CN`)
  if (!exact.has(key) && !patterns.some((each) => each.test(key))) problems.push(`${key}: not used`)
}
for (const key of asked) if (!english.has(key)) problems.push(`${key}: used, but in no language`)

for (const problem of problems) console.error(problem)
console.log(`${english.size} texts in ${LOCALES.join(' and ')}, ${problems.length} problems`)
process.exit(problems.length > 0 ? 1 : 0)
