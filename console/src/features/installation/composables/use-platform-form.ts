import { computed, reactive, type Ref, ref, watch } from 'vue'

import type { CredentialField, Platform, PlatformChange } from '@/api/types'
import { fits } from '@/channels/credential-field'

type Values = Record<'appid' | 'secret' | 'token' | 'aes_key', string>

/** The platform's credentials as they are being edited. The secret is never told: left empty, it stays as it is. */
export function usePlatformForm(platform: Ref<Platform>) {
  const saved = computed(() => copied(platform.value))
  const draft = reactive<Record<string, string>>({ ...saved.value })
  const sent = ref(false)
  const isChanged = computed(() => JSON.stringify(draft) !== JSON.stringify(saved.value))

  // What came from elsewhere is shown at once, unless it would overwrite what is being written here.
  watch(saved, (now, before) => {
    if (JSON.stringify(draft) === JSON.stringify(before)) Object.assign(draft, now)
  })

  function valueOf(name: string): string {
    return (draft[name] ?? '').trim()
  }

  /** Another platform needs its own secret. */
  const keepsSecret = computed(
    () => platform.value.has_secret && valueOf('appid') === platform.value.appid,
  )

  function isWrong(field: CredentialField): boolean {
    if (field.name === 'secret' && valueOf('secret') === '') return !keepsSecret.value
    return !fits(field, valueOf(field.name))
  }

  function complains(field: CredentialField): boolean {
    return isWrong(field) && (sent.value || valueOf(field.name) !== saved.value[named(field)])
  }

  /** Return what is to be saved, or null: then what is wrong is shown. */
  function take(): PlatformChange | null {
    sent.value = true
    if (platform.value.fields.some(isWrong)) return null
    const secret = valueOf('secret')
    const rest = {
      appid: valueOf('appid'),
      token: valueOf('token'),
      aes_key: valueOf('aes_key'),
    }
    return secret === '' ? rest : { ...rest, secret }
  }

  function reset(): void {
    sent.value = false
    Object.assign(draft, saved.value)
  }

  return { draft, isChanged, keepsSecret, complains, take, reset }
}

function copied({ appid, token, aes_key: key }: Platform): Values {
  return { appid: appid ?? '', secret: '', token: token ?? '', aes_key: key ?? '' }
}

function named({ name }: CredentialField): keyof Values {
  return name === 'appid' || name === 'token' || name === 'aes_key' ? name : 'secret'
}
