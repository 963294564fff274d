import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import { answered } from '@/api/client'
import { useSession } from '@/api/session'
import type { ChannelKind } from '@/api/types'

/** The kinds of channels that this installation has, and their words in the reader's language. */
export function useKinds() {
  const session = useSession()
  const { locale } = useI18n({ useScope: 'global' })
  const query = useQuery({
    queryKey: ['channel-kinds'],
    queryFn: () => answered(session.client.GET('/api/channel-kinds')),
    staleTime: 30_000, // whether accounts can be docked by a scanned code changes while we look
  })
  const kinds = computed<ChannelKind[]>(() => query.data.value?.items ?? [])

  function kindOf(kind: string): ChannelKind | undefined {
    return kinds.value.find((each) => each.kind === kind)
  }

  function say(text: ChannelKind['name'] | undefined): string | null {
    return text === undefined ? null : text[locale.value === 'zh-CN' ? 'zh-CN' : 'en']
  }

  return {
    query,
    kinds,
    kindOf,
    say,
    nameOf: (kind: string) => say(kindOf(kind)?.name) ?? kind,
    /** What a stable reason of the kind means; null where the kind knows none. */
    reasonOf: (kind: string, reason: string) => say(kindOf(kind)?.reasons[reason]),
    /** The same where nobody said of which kind it is. */
    anyReasonOf: (reason: string) =>
      say(kinds.value.find((each) => each.reasons[reason] !== undefined)?.reasons[reason]),
  }
}
