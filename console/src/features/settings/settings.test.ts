import { describe, expect, it } from 'vitest'
import { nextTick, ref } from 'vue'

import { useWorkspaceForm } from './composables/use-workspace-form'

const settings = () => ref({ agent_away_minutes: 3, version: 7 })

describe('the workspace form', () => {
  it('saves a changed number together with the version that was seen', () => {
    const { draft, isChanged, change } = useWorkspaceForm(settings())
    expect(isChanged.value).toBe(false)
    draft.awayMinutes = ' 12 '
    expect(isChanged.value).toBe(true)
    expect(change.value).toEqual({ agent_away_minutes: 12, version: 7 })
  })

  it.each(['', '0', '61', '2.5', '-3', 'three', '1e1'])('does not save “%s”', (typed) => {
    const { draft, change } = useWorkspaceForm(settings())
    draft.awayMinutes = typed
    expect(change.value).toBeNull()
  })

  it('shows what others saved, and keeps what is being written', async () => {
    const stored = settings()
    const { draft, reset, change } = useWorkspaceForm(stored)
    stored.value = { agent_away_minutes: 5, version: 8 }
    await nextTick()
    expect(draft.awayMinutes).toBe('5')
    draft.awayMinutes = '9'
    stored.value = { agent_away_minutes: 6, version: 9 }
    await nextTick()
    expect(change.value).toEqual({ agent_away_minutes: 9, version: 9 })
    reset()
    expect(draft.awayMinutes).toBe('6')
  })
})
