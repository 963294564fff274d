import { computed, reactive, ref, type Ref, watch } from 'vue'

import type { ChannelKind } from '@/api/types'
import { fits } from '@/channels/credential-field'

/** The values of a kind's docking form. A field is complained about once it was left, or all were to be sent. */
export function useDockForm(kind: Ref<ChannelKind | undefined>) {
  const values = reactive<Record<string, string>>({})
  const left = reactive(new Set<string>())
  const sent = ref(false)

  const required = computed(() => kind.value?.credential_fields ?? [])
  const optional = computed(() => kind.value?.optional_credential_fields ?? [])
  const all = computed(() => [...required.value, ...optional.value])

  watch(
    all,
    (fields) => {
      for (const field of fields) values[field.name] ??= field.default ?? ''
    },
    { immediate: true },
  )

  function valueOf(name: string): string {
    return (values[name] ?? '').trim()
  }

  const wrong = computed(() => all.value.filter((field) => !fits(field, valueOf(field.name))))

  function complains(name: string): boolean {
    const seen = sent.value || (left.has(name) && valueOf(name) !== '')
    return seen && wrong.value.some((field) => field.name === name)
  }

  /** Return what is to be sent, or null: then what is wrong is shown. */
  function take(): Record<string, string> | null {
    sent.value = true
    if (wrong.value.length > 0) return null
    return Object.fromEntries(all.value.map(({ name }) => [name, valueOf(name)]))
  }

  return {
    values,
    required,
    optional,
    valueOf,
    wrong,
    complains,
    leave: (name: string) => left.add(name),
    take,
  }
}
