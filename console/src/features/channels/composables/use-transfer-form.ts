import { computed, reactive, type Ref, watch } from 'vue'

import type { Channel, ChannelSettings } from '@/api/types'

export const MOST_WORDS = 20
export const MOST_WORD_CHARACTERS = 20
export const MOST_GUIDANCE_CHARACTERS = 100

type Transfer = NonNullable<ChannelSettings['trans_to_agent']>
/** What is wrong with the words. */
export type WrongWords = 'tooMany' | 'tooLong' | null
/** What is wrong with the line below answers. */
export type WrongGuidance = 'tooLong' | 'noWords' | null

/** How customers ask for a person, as it is being edited: one word a line. */
export function useTransferForm(channel: Ref<Channel>) {
  const draft = reactive(copied(channel.value.settings.trans_to_agent))
  const saved = computed(() => copied(channel.value.settings.trans_to_agent))
  const isChanged = computed(() => JSON.stringify(draft) !== JSON.stringify(saved.value))

  // What somebody else saved is shown at once, unless it would overwrite what is being written here.
  watch(saved, (now, before) => {
    if (JSON.stringify(draft) === JSON.stringify(before)) Object.assign(draft, now)
  })

  const words = computed(() => distinct(draft.words))
  const wrongWords = computed<WrongWords>(() => {
    if (words.value.length > MOST_WORDS) return 'tooMany'
    return words.value.some((word) => lengthOf(word) > MOST_WORD_CHARACTERS) ? 'tooLong' : null
  })
  const wrongGuidance = computed<WrongGuidance>(() => {
    const text = draft.text.trim()
    if (lengthOf(text) > MOST_GUIDANCE_CHARACTERS) return 'tooLong'
    return draft.guidance && text === '' && words.value.length === 0 ? 'noWords' : null
  })

  /** What is to be saved, or null while something is wrong. */
  const change = computed<Transfer | null>(() => {
    if (wrongWords.value !== null || wrongGuidance.value !== null) return null
    return {
      words: words.value,
      guidance: draft.guidance,
      guidance_text: draft.text.trim() || null,
      guidance_under: draft.under,
    }
  })

  return {
    draft,
    isChanged,
    words,
    wrongWords,
    wrongGuidance,
    change,
    reset: () => Object.assign(draft, saved.value),
  }
}

/** The word to name in a sentence of a language, as the server chooses it. */
export function wordFor(locale: string, words: readonly string[]): string | undefined {
  const chinese = locale === 'zh-CN'
  return words.find((word) => /\p{Script=Han}/u.test(word) === chinese) ?? words[0]
}

function copied(transfer: Transfer | undefined) {
  return {
    words: (transfer?.words ?? []).join('\n'),
    guidance: transfer?.guidance ?? true,
    text: transfer?.guidance_text ?? '',
    under: [...(transfer?.guidance_under ?? [])],
  }
}

/** The words of a text with one a line, as the server compares them: without difference of case and width. */
function distinct(text: string): string[] {
  const found = new Map<string, string>()
  for (const line of text.split('\n')) {
    const word = line.trim()
    const key = word.normalize('NFKC').toLowerCase()
    if (key !== '' && !found.has(key)) found.set(key, word)
  }
  return [...found.values()]
}

function lengthOf(text: string): number {
  return Array.from(text).length
}
