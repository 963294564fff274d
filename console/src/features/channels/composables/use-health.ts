import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, onBeforeUnmount, onMounted, reactive, type Ref, ref, watch } from 'vue'

import { answered, once } from '@/api/client'
import { asProblem, type Problem } from '@/api/problems'
import { useSession } from '@/api/session'
import type { Channel, Check, CheckPart, Health } from '@/api/types'
import { freshKey } from '@/lib/ids'

/** What is asked of the provider together, in the order in which it is asked. */
const PARTS: readonly CheckPart[] = ['access', 'network', 'quotas', 'voice']
/** What is asked with nobody having said so, when the page is opened. */
const BY_ITSELF = PARTS.filter((part) => part !== 'network')

/** The check that waits for each part: shown as being asked meanwhile. */
const ASKED: Readonly<Partial<Record<Check['name'], CheckPart>>> = {
  token: 'access',
  ip_allowed: 'access',
  clock: 'access',
  network: 'network',
  quotas: 'quotas',
  voice_recognition: 'voice',
}

/** Asking costs calls of the provider's daily quota: what was asked a moment ago still holds. */
const HOLDS_MS = 60_000
const READ_EVERY_MS = 30_000

/** Asking the provider whether a channel works. What it says is shown wherever the channel's health is. */
export function useChecks(channel: Ref<Channel>) {
  const session = useSession()
  const queries = useQueryClient()
  const params = () => ({ path: { channel_id: channel.value.id } })
  const docked = computed(
    () => session.may('channels.manage') && channel.value.state !== 'undocked',
  )

  const show = (health: Health) =>
    queries.setQueryData(['channels', 'health', channel.value.id], health)

  const asking = reactive(new Set<CheckPart>())
  const problem = ref<Problem | null>(null)

  /** Ask the provider part by part, so that each line is known as soon as it can be. */
  async function ask(parts: readonly CheckPart[]): Promise<void> {
    if (asking.size > 0 || !docked.value) return
    problem.value = null
    for (const part of parts) asking.add(part)
    try {
      for (const part of parts) {
        const body = { parts: [part] }
        const call = { params: params(), headers: once(freshKey()), body }
        show(await answered(session.client.POST('/api/channels/{channel_id}/checks', call)))
        asking.delete(part)
      }
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      asking.clear()
    }
  }

  return { docked, asking, problem, show, params, run: () => ask(PARTS), ask }
}

/** What is known of a channel's health, and the ways to know it anew and to mend it. */
export function useHealth(channel: Ref<Channel>) {
  const session = useSession()
  const { docked, asking, problem, show, params, run, ask } = useChecks(channel)

  const query = useQuery({
    queryKey: ['channels', 'health', () => channel.value.id],
    queryFn: () =>
      answered(session.client.GET('/api/channels/{channel_id}/health', { params: params() })),
    refetchInterval: READ_EVERY_MS,
  })
  const items = computed(() => query.data.value?.items ?? [])
  const checkedAt = computed(() =>
    items.value.reduce<string | null>(
      (newest, { checked_at: at }) => (at && (newest === null || at > newest) ? at : newest),
      null,
    ),
  )

  function runIfOld(): void {
    if (document.hidden || query.data.value === undefined || !docked.value) return
    const at = checkedAt.value
    if (at === null || Date.now() - Date.parse(at) > HOLDS_MS) void ask(BY_ITSELF)
  }
  /** Who opens the page, or comes back from the provider's, wants to know how it stands. */
  watch(() => query.isSuccess.value && channel.value.id, runIfOld, { immediate: true })
  onMounted(() => document.addEventListener('visibilitychange', runIfOld))
  onBeforeUnmount(() => document.removeEventListener('visibilitychange', runIfOld))

  const resetting = useMutation({
    mutationFn: () =>
      answered(
        session.client.POST('/api/channels/{channel_id}/quotas/reset', {
          params: params(),
          headers: once(freshKey()),
        }),
      ),
    onSuccess: show,
  })
  const switching = useMutation({
    mutationFn: (on: boolean) =>
      answered(
        session.client.PUT('/api/channels/{channel_id}/voice-recognition', {
          params: params(),
          headers: once(freshKey()),
          body: { on },
        }),
      ),
    onSuccess: show,
  })

  return {
    query,
    items,
    checkedAt,
    problem,
    run,
    busy: computed(() => asking.size > 0),
    canAsk: docked,
    isAsked: (check: Check) => {
      const part = ASKED[check.name]
      return part !== undefined && asking.has(part)
    },
    resetting,
    switching,
  }
}
