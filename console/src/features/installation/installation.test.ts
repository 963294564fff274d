import { describe, expect, it } from 'vitest'
import { ref } from 'vue'

import type { CredentialField, Platform } from '@/api/types'

import { usePlatformForm } from './composables/use-platform-form'

const words = { 'zh-CN': '字', en: 'word' }

function field(name: string, pattern: string): CredentialField {
  const secret = name === 'secret'
  return {
    name,
    pattern,
    secret,
    example: '',
    default: null,
    label: words,
    help: words,
    mismatch: words,
  }
}

const stored: Platform = {
  kind: 'wechat_oa',
  source: 'stored',
  appid: 'wx1',
  token: 'token',
  aes_key: 'key',
  has_secret: true,
  event_url: 'https://moorage.example/events',
  message_url: 'https://moorage.example/$APPID$/messages',
  start_domain: 'moorage.example',
  ticket: { received_at: null, state: 'never' },
  token_state: { reason: null, text: null },
  fields: [
    field('appid', 'wx\\d'),
    field('secret', '[0-9a-f]{4}'),
    field('token', '\\w+'),
    field('aes_key', '\\w+'),
  ],
}

describe('the platform form', () => {
  it('never shows the secret, and leaves it out to keep it', () => {
    const { draft, take } = usePlatformForm(ref(stored))
    expect(draft.secret).toBe('')
    draft.token = ' other '
    expect(take()).toEqual({ appid: 'wx1', token: 'other', aes_key: 'key' })
  })

  it('sends a secret that was entered', () => {
    const { draft, take } = usePlatformForm(ref(stored))
    draft.secret = '00ff'
    expect(take()).toMatchObject({ secret: '00ff' })
  })

  it('wants a secret for another platform', () => {
    const { draft, take, keepsSecret, complains } = usePlatformForm(ref(stored))
    draft.appid = 'wx2'
    expect(keepsSecret.value).toBe(false)
    expect(take()).toBeNull()
    expect(complains(field('secret', '[0-9a-f]{4}'))).toBe(true)
  })

  it('shows what came from elsewhere unless it is being changed here', async () => {
    const platform = ref(stored)
    const { draft, isChanged } = usePlatformForm(platform)
    platform.value = { ...stored, token: 'newer' }
    await Promise.resolve()
    expect(draft.token).toBe('newer')
    draft.aes_key = 'mine'
    platform.value = { ...stored, token: 'newest' }
    await Promise.resolve()
    expect(draft.token).toBe('newer')
    expect(isChanged.value).toBe(true)
  })
})
