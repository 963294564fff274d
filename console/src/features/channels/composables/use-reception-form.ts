import { computed, reactive, type Ref, watch } from 'vue'

import type { Channel, ChannelSettings } from '@/api/types'

import { MOST_CHARACTERS, unknownPlaceholders } from '../greeting'

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

  function settings(): ChannelSettings {
    return {
      ...channel.value.settings,
      locale: draft.locale,
      greeting: { mode: draft.mode, text: draft.text.trim() || null },
      budget_preset: draft.preset || null,
    }
  }

  return {
    draft,
    isChanged,
    template,
    unknown,
    wrong,
    settings,
    reset: () => Object.assign(draft, saved.value),
  }
}

function copied({ settings }: Channel) {
  return {
    locale: settings.locale,
    mode: settings.greeting?.mode ?? 'once_per_conversation',
    text: settings.greeting?.text ?? '',
    preset: settings.budget_preset ?? '',
  }
}
