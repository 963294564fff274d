import { useI18n } from 'vue-i18n'

import type { Channel, Check } from '@/api/types'
import { useKinds } from '@/channels/use-kinds'
import { formatDuration, formatMoment } from '@/lib/time'
import { useNow } from '@/ui/ticking'

/** What a check tells, in sentences: the fact, the cause, and what is part of it. */
export function useCheckText() {
  const { t, te, locale } = useI18n({ useScope: 'global' })
  const kinds = useKinds()
  const now = useNow(15_000)

  function ago(at: string): string {
    const time = formatDuration(now.value - Date.parse(at), locale.value)
    return t('channels.checks.ago', { time })
  }

  function mode(name: string | undefined): string {
    return name === undefined ? '' : t(`channels.checks.mode.${name}`)
  }

  /** The sentence that tells the fact; null where there is none to tell. */
  function factOf(channel: Channel, check: Check): string | null {
    const { at, details } = check
    switch (check.name) {
      case 'ticket':
      case 'last_push':
        return at ? t(`channels.checks.${check.name}.fact`, { ago: ago(at) }) : null
      case 'token':
        if (check.state === 'ok' && at)
          return t('channels.checks.token.fact', { time: formatMoment(at, locale.value) })
        return details.asks_again_at
          ? t('channels.checks.token.paused', {
              time: formatMoment(details.asks_again_at, locale.value),
            })
          : null
      case 'clock':
        return details.seconds === undefined
          ? null
          : t('channels.checks.clock.fact', { seconds: details.seconds.replace('-', '') })
      case 'network':
        return details.addresses ? reached(check) : null
      case 'server_verified':
        return at && check.state === 'ok' && channel.docked_by === 'credentials'
          ? t('channels.checks.server_verified.fact', { ago: ago(at) })
          : null
      case 'push_keys':
        return pushes(check)
      case 'account':
        return details.account_type ? t(`channels.accountType.${details.account_type}`) : null
      case 'last_send':
        return lastSend(check)
      default:
        return null
    }
  }

  function reached({ details }: Check): string {
    const where = t('channels.checks.network.fact', { addresses: details.addresses })
    return details.took_ms
      ? `${where} ${t('channels.checks.network.took', { ms: details.took_ms })}`
      : where
  }

  function pushes({ details }: Check): string | null {
    const seen = details.seen
      ? t('channels.checks.push_keys.seen', { mode: mode(details.seen) })
      : ''
    const set =
      details.set && details.set !== details.seen
        ? t('channels.checks.push_keys.set', { mode: mode(details.set) })
        : ''
    const refused = details.refused
      ? t('channels.checks.push_keys.refused', { times: details.refused })
      : ''
    return [seen, set, refused].filter(Boolean).join(' ') || null
  }

  function lastSend({ details }: Check): string | null {
    const sent = details.sent_at
      ? t('channels.checks.last_send.sent', { ago: ago(details.sent_at) })
      : ''
    const failed = details.failed_at
      ? t('channels.checks.last_send.failed', { ago: ago(details.failed_at) })
      : ''
    return [sent, failed].filter(Boolean).join(' ') || null
  }

  /** Why it stands so, and what to do; for what works, that it does. */
  function causeOf(channel: Channel, check: Check): string | null {
    if (check.reason) {
      const own = kinds.reasonOf(channel.kind, check.reason)
      if (own !== null) return own
      const shared = `channels.checks.reason.${check.reason}`
      return te(shared) ? t(shared) : t('channels.otherReason', { code: check.reason })
    }
    const scanned = channel.docked_by === 'authorization' && check.name === 'server_verified'
    const key = `channels.checks.${check.name}.${scanned ? 'scan' : check.state}`
    return te(key) ? t(key) : null
  }

  /** What belongs to it one by one: permissions with what stops, quotas with what is used. */
  function partsOf(channel: Channel, check: Check): string[] {
    if (check.name === 'permissions') return missingSets(channel, check)
    if (check.name !== 'quotas') return []
    return (['send', 'upload', 'menu'] as const).flatMap((call) => {
      const [used, limit] = (check.details[call] ?? '').split('/').map(Number)
      if (used === undefined || limit === undefined || Number.isNaN(limit)) return []
      const numbers = {
        used: used.toLocaleString(locale.value),
        limit: limit.toLocaleString(locale.value),
      }
      return [t(`channels.checks.quotas.call.${call}`, numbers)]
    })
  }

  function missingSets(channel: Channel, { details }: Check): string[] {
    const known = kinds.kindOf(channel.kind)?.authorization?.permission_sets ?? []
    const missing = [details.required, details.optional].flatMap((names) => names?.split(',') ?? [])
    return missing.flatMap((name) => {
      const set = known.find((each) => each.name_key === name)
      if (set === undefined) return []
      const words = { name: kinds.say(set.name) ?? name, without: kinds.say(set.without) ?? '' }
      return [t('channels.checks.permissions.missing', words)]
    })
  }

  /** A channel that says it works although a look found otherwise: why, in a sentence; null where all is well. */
  function illnessOf(channel: Channel): string | null {
    const health = channel.health
    if (channel.state !== 'active' || !health || health.state === 'ok') return null
    const own = health.reason ? kinds.reasonOf(channel.kind, health.reason) : null
    return own ?? t('channels.health.trouble', { check: t(`channels.checks.${health.check}.name`) })
  }

  return { ago, factOf, causeOf, partsOf, illnessOf }
}
