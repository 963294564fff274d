import { describe, expect, it } from 'vitest'

import { aChannel } from './samples'
import { ailing } from './state'

describe('a channel that says it works', () => {
  it('ails where the last look at it found trouble', () => {
    const health = { state: 'warning', check: 'push_keys', reason: 'mode_differs' } as const
    expect(ailing(aChannel({ health }))).toBe('warning')
    expect(ailing(aChannel({ health: { ...health, state: 'failing' } }))).toBe('failing')
  })

  it('is well where nothing was found, or nobody has looked', () => {
    expect(ailing(aChannel())).toBeNull()
    expect(ailing(aChannel({ health: { state: 'ok', check: null, reason: null } }))).toBeNull()
  })

  it('leaves the word to a state that says more', () => {
    const health = { state: 'failing', check: 'token', reason: 'authorization_gone' } as const
    expect(ailing(aChannel({ state: 'deauthorized', health }))).toBeNull()
  })
})
