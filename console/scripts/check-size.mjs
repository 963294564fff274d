// Fails when what the first screen needs is heavier than agreed. Run it after `npm run build`.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const MOST_BYTES = 300_000
const BUILT = join(dirname(fileURLToPath(import.meta.url)), '../../src/moorage/console_dist')
const manifest = JSON.parse(readFileSync(join(BUILT, '.vite/manifest.json'), 'utf8'))

function needed(name, seen = new Set()) {
  const chunk = manifest[name]
  if (chunk === undefined || seen.has(chunk.file)) return seen
  seen.add(chunk.file)
  for (const other of chunk.imports ?? []) needed(other, seen)
  return seen
}

const weigh = (file) => gzipSync(readFileSync(join(BUILT, file)), { level: 9 }).length
const first = new Set([
  ...needed('index.html'),
  ...needed('src/features/workbench/views/WorkbenchView.vue'),
])
const bytes = [...first].reduce((sum, file) => sum + weigh(file), 0)
console.log(
  `first screen: ${(bytes / 1000).toFixed(1)} kB of compressed JavaScript, at most ${MOST_BYTES / 1000} kB`,
)
process.exit(bytes > MOST_BYTES ? 1 : 0)
