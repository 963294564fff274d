import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'

import { type ChannelNews, isAgent, isChannelNews, isMessage } from '@/api/guards'
import { useSession } from '@/api/session'
import type { Conversation, ConversationState, Scope } from '@/api/types'
import type { Fact } from '@/realtime/messages'
import { useRealtime } from '@/realtime/store'

import { contradicts, EMPTY, listed, type Replica, withChannelState, withFact } from './replica'
import { openAttachments } from './state/attachments'
import { openColleagues } from './state/colleagues'
import { openCommands } from './state/commands'
import type { Context } from './state/context'
import { openReadings } from './state/readings'
import { openSending } from './state/sending'

/** The conversations and messages that this page holds, read once and kept true by facts; and what is on its way. */
export const useWorkbench = defineStore('workbench', () => {
  const session = useSession()
  const realtime = useRealtime()

  const replica = shallowRef<Replica>(EMPTY)
  const scope = ref<Scope>('mine')
  const state = ref<ConversationState>('open')
  const me = computed(() => session.me?.id ?? '')

  const viewer = computed(() => ({
    me: me.value,
    supervises: session.supervises,
    groups: session.current?.group_ids ?? [],
  }))

  const context: Context = {
    client: session.client,
    replica,
    me,
    offline: computed(() => realtime.offline),
    noteSnapshot: realtime.noteSnapshot,
  }
  const { forget: forgetReadings, resync, ...readings } = openReadings(context)
  const attachments = openAttachments(session.upload, () => sending.uploaded())
  const sending = openSending(context, attachments)
  const colleagues = openColleagues(context)

  const unread = computed(() =>
    list('mine', 'open').reduce((sum, conversation) => sum + conversation.unread, 0),
  )

  function list(of: Scope, as: ConversationState): Conversation[] {
    return listed(replica.value, { ...viewer.value, scope: of, state: as })
  }

  function take(fact: Fact): void {
    if (fact.topic === 'message.added' && isMessage(fact.payload)) sending.noteArrival(fact.payload)
    if (fact.topic === 'agent.changed' && isAgent(fact.payload)) colleagues.take(fact.payload)
    if (fact.topic === 'channel.changed' && isChannelNews(fact.payload)) noteChannel(fact.payload)
    replica.value = withFact(replica.value, fact)
  }

  function noteChannel(channel: ChannelNews): void {
    if (contradicts(replica.value, channel)) void resync()
    else replica.value = withChannelState(replica.value, channel)
  }

  async function readAgain(): Promise<void> {
    await Promise.all([resync(), colleagues.load()])
  }

  realtime.subscribe({ fact: take, resync: readAgain })

  watch(
    me,
    () => {
      replica.value = EMPTY
      attachments.forget()
      forgetReadings()
      colleagues.forget()
      scope.value = 'mine'
      state.value = 'open'
      sending.begin()
    },
    { immediate: true },
  )

  return {
    me,
    replica,
    scope,
    state,
    unread,
    list,
    ...readings,
    ...openCommands(context),
    pending: sending.pending,
    say: sending.say,
    present: sending.present,
    retry: sending.retry,
    discard: sending.discard,
    attachments: attachments.all,
    trayOf: attachments.trayOf,
    attach: attachments.add,
    attachVoice: attachments.addVoice,
    decideKind: attachments.decide,
    uploadAgain: attachments.again,
    dropAttachment: attachments.drop,
    measured: attachments.measured,
    attachmentOf: attachments.find,
    loadColleagues: colleagues.load,
    isAway: colleagues.isAway,
  }
})
