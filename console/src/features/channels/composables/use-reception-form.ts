import { computed, reactive, type Ref, watch } from 'vue'

import type { Channel, ChannelSettings } from '@/api/types'

import { wholeNumber } from '@/lib/numbers'

import { MOST_CHARACTERS, unknownPlaceholders } from '../greeting'

export const AFTER_SESSION_HOURS = { least: 0, most: 168 }
export const LAST_SERVED_HOURS = { least: 0, most: 720 }
export const LINKS_LAST_DAYS = { least: 1, most: 30 }
/** Of one customer's budget. Nothing typed means as many as suit the limits chosen. */
export const KEPT_FOR_PEOPLE = { least: 0, most: 20 }

export const MOST_VOICE_REPLY_CHARACTERS = 300

/** How long an agent's line waits for others. */
export const MERGE_WITHIN_S = { least: 1, most: 10 }
const MERGE_DEFAULT_S = 3

export type GreetingMode = NonNullable<NonNullable<ChannelSettings['greeting']>['mode']>
/** What is wrong with the greeting's words. */
export type Wrong = 'tooLong' | 'unknown' | null

/** The reception settings as they are being edited. `builtIn` is what stands where the admin wrote nothing. */
export function useReceptionForm(
  channel: Ref<Channel>,
  builtIn: (locale: ChannelSettings['locale']) => string,
) {
  const draft = reactive(copied(channel.value))
  const saved = computed(() => copied(channel.value))
  const isChanged = computed(() => JSON.stringify(draft) !== JSON.stringify(saved.value))

  // What somebody else saved is shown at once, unless it would overwrite what is being written here.
  watch(saved, (now, before) => {
    if (JSON.stringify(draft) === JSON.stringify(before)) Object.assign(draft, now)
  })

  const template = computed(() => draft.text.trim() || builtIn(draft.locale))
  const unknown = computed(() => unknownPlaceholders(draft.text))
  const wrong = computed<Wrong>(() => {
    if (unknown.value.length > 0) return 'unknown'
    return Array.from(draft.text).length > MOST_CHARACTERS ? 'tooLong' : null
  })

  const voiceTooLong = computed(
    () => Array.from(draft.voiceText.trim()).length > MOST_VOICE_REPLY_CHARACTERS,
  )

  /** What is to be saved, or null while something is wrong. */
  const change = computed<ChannelSettings | null>(() => {
    const afterSession = wholeNumber(draft.afterSession, AFTER_SESSION_HOURS)
    const lastServed = wholeNumber(draft.lastServed, LAST_SERVED_HOURS)
    const kept = wholeNumber(draft.kept, KEPT_FOR_PEOPLE)
    const linksLast = wholeNumber(draft.linksLast, LINKS_LAST_DAYS)
    const within = wholeNumber(draft.mergeWithin, MERGE_WITHIN_S)
    const keptIsWrong = kept === null && draft.kept.trim() !== ''
    if (wrong.value !== null || afterSession === null || lastServed === null || keptIsWrong) {
      return null
    }
    const mergesWrongly = within === null && draft.merges
    if (linksLast === null || mergesWrongly || voiceTooLong.value) return null
    return {
      ...channel.value.settings,
      locale: draft.locale,
      greeting: { mode: draft.mode, text: draft.text.trim() || null },
      budget_preset: draft.preset || null,
      kept_for_people: kept,
      voice_reply: { on: draft.answersVoices, text: draft.voiceText.trim() || null },
      merge_replies: { on: draft.merges, within_s: within ?? MERGE_DEFAULT_S },
      links_last_days: linksLast,
      after_session_hours: afterSession,
      last_served_hours: lastServed,
    }
  })

  return {
    draft,
    isChanged,
    template,
    unknown,
    wrong,
    voiceTooLong,
    change,
    reset: () => Object.assign(draft, saved.value),
  }
}

function copied({ settings }: Channel) {
  return {
    locale: settings.locale,
    mode: settings.greeting?.mode ?? 'once_per_conversation',
    text: settings.greeting?.text ?? '',
    preset: settings.budget_preset ?? '',
    answersVoices: settings.voice_reply?.on ?? false,
    voiceText: settings.voice_reply?.text ?? '',
    merges: settings.merge_replies?.on ?? false,
    mergeWithin: String(settings.merge_replies?.within_s ?? MERGE_DEFAULT_S),
    kept: String(settings.kept_for_people ?? ''),
    linksLast: String(settings.links_last_days),
    afterSession: String(settings.after_session_hours),
    lastServed: String(settings.last_served_hours),
  }
}
