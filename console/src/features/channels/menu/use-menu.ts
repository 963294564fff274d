import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, type Ref } from 'vue'

import { answered, once } from '@/api/client'
import { useSession } from '@/api/session'
import type { Menu, MenuRule, MenuState } from '@/api/types'
import { freshKey } from '@/lib/ids'
import { useRealtime } from '@/realtime/store'

/** A channel's menu, read again when anybody changes it. */
export function useMenu(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  const reread = () => queries.invalidateQueries({ queryKey: ['menu', id.value] })
  const stop = useRealtime().subscribe({
    fact: (fact) => {
      if (fact.topic === 'channel.menu_changed') void reread()
    },
    resync: reread,
  })
  onScopeDispose(stop)
  return useQuery({
    queryKey: ['menu', id],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}/menu', {
          params: { path: { channel_id: id.value } },
        }),
      ),
  })
}

export function useMenuVersions(id: Ref<string>) {
  const session = useSession()
  return useQuery({
    queryKey: ['menu', id, 'versions'],
    queryFn: () =>
      answered(
        session.client.GET('/api/channels/{channel_id}/menu/versions', {
          params: { path: { channel_id: id.value } },
        }),
      ),
  })
}

/** Everything that can be done with a channel's menu. Each answer is how the menu stands then. */
export function useMenuCommands(id: Ref<string>) {
  const session = useSession()
  const queries = useQueryClient()
  const path = () => ({ channel_id: id.value })
  const headers = () => once(freshKey())

  function keep(menu: MenuState): void {
    queries.setQueryData(['menu', id.value], menu)
    void queries.invalidateQueries({ queryKey: ['menu', id.value, 'versions'] })
  }
  const reread = () => queries.invalidateQueries({ queryKey: ['menu', id.value] })
  const command = <Asked>(call: (asked: Asked) => Promise<MenuState>) =>
    useMutation({ mutationFn: call, onSuccess: keep, onError: reread })

  const client = session.client
  return {
    compare: useMutation({
      mutationFn: () =>
        answered(
          client.POST('/api/channels/{channel_id}/menu/compare', { params: { path: path() } }),
        ),
      onSuccess: keep,
    }),
    save: command((body: { draft: Menu; version: number }) =>
      answered(
        client.PUT('/api/channels/{channel_id}/menu/draft', {
          params: { path: path() },
          headers: headers(),
          body,
        }),
      ),
    ),
    publish: command((body: { version: number }) =>
      answered(
        client.POST('/api/channels/{channel_id}/menu/publish', {
          params: { path: path() },
          headers: headers(),
          body,
        }),
      ),
    ),
    take: command((body: { version: number }) =>
      answered(
        client.POST('/api/channels/{channel_id}/menu/import', {
          params: { path: path() },
          headers: headers(),
          body,
        }),
      ),
    ),
    remove: command(() =>
      answered(
        client.POST('/api/channels/{channel_id}/menu/delete', {
          params: { path: path() },
          headers: headers(),
        }),
      ),
    ),
    restore: command(({ number, version }: { number: number; version: number }) =>
      answered(
        client.POST('/api/channels/{channel_id}/menu/versions/{number}/restore', {
          params: { path: { ...path(), number } },
          headers: headers(),
          body: { version },
        }),
      ),
    ),
    add: command((body: Conditional) =>
      answered(
        client.POST('/api/channels/{channel_id}/menu/conditional', {
          params: { path: path() },
          headers: headers(),
          body,
        }),
      ),
    ),
    change: command(({ conditionalId, ...body }: Conditional & Which) =>
      answered(
        client.PUT('/api/channels/{channel_id}/menu/conditional/{conditional_id}', {
          params: { path: { ...path(), conditional_id: conditionalId } },
          headers: headers(),
          body,
        }),
      ),
    ),
    publishSome: command(({ conditionalId, version }: Which) =>
      answered(
        client.POST('/api/channels/{channel_id}/menu/conditional/{conditional_id}/publish', {
          params: { path: { ...path(), conditional_id: conditionalId } },
          headers: headers(),
          body: { version },
        }),
      ),
    ),
    removeSome: useMutation({
      mutationFn: (conditionalId: string) =>
        answered(
          client.DELETE('/api/channels/{channel_id}/menu/conditional/{conditional_id}', {
            params: { path: { ...path(), conditional_id: conditionalId } },
            headers: headers(),
          }),
        ),
      onSettled: reread,
    }),
    removeForeign: useMutation({
      mutationFn: (externalMenuId: string) =>
        answered(
          client.DELETE('/api/channels/{channel_id}/menu/foreign/{external_menu_id}', {
            params: { path: { ...path(), external_menu_id: externalMenuId } },
            headers: headers(),
          }),
        ),
      onSettled: reread,
    }),
    check: (menu: Menu, rule: MenuRule | null) =>
      answered(
        client.POST('/api/channels/{channel_id}/menu/validate', {
          params: { path: path() },
          body: { menu, rule },
        }),
      ),
    look: useMutation({
      mutationFn: (customer: string) =>
        answered(
          client.POST('/api/channels/{channel_id}/menu/try', {
            params: { path: path() },
            body: { customer },
          }),
        ),
    }),
  }
}

export interface Conditional {
  name: string
  rule: MenuRule
  menu: Menu
}

export interface Which {
  conditionalId: string
  version: number
}

export type MenuCommands = ReturnType<typeof useMenuCommands>
