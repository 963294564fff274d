import {
  createRouter,
  createWebHistory,
  type RouteLocationNormalized,
  type Router,
} from 'vue-router'

import { Problem } from '@/api/problems'
import { useSession } from '@/api/session'
import { channelRoutes } from '@/features/channels/channels.routes'
import { installationRoutes } from '@/features/installation/installation.routes'
import { settingsRoutes } from '@/features/settings/settings.routes'
import { signInRoutes } from '@/features/sign-in/sign-in.routes'
import { workbenchRoutes } from '@/features/workbench/workbench.routes'

import { landing } from './landing'

export function openRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      ...signInRoutes,
      ...workbenchRoutes,
      ...channelRoutes,
      ...settingsRoutes,
      ...installationRoutes,
      // The guard sends everybody on from here; a redirect would come before it and hide where they began.
      { path: '/', name: 'start', component: { render: () => null } },
      {
        path: '/unreachable',
        name: 'unreachable',
        component: () => import('./shell/Unreachable.vue'),
      },
      {
        path: '/:missing(.*)*',
        name: 'missing',
        component: () => import('./shell/MissingPage.vue'),
      },
    ],
  })
  router.beforeEach(guard)
  return router
}

/** Everybody signs in first, and comes back to where they wanted to go. */
async function guard(to: RouteLocationNormalized) {
  if (to.name === 'unreachable') return true
  const session = useSession()
  try {
    await session.restore()
  } catch (error) {
    if (error instanceof Problem) return { name: 'unreachable', query: { next: to.fullPath } }
    throw error
  }
  const signedIn = session.current !== null
  if (to.meta.open === true) return signedIn ? landing(to.query.next) : true
  if (signedIn) return to.path === '/' ? landing(null) : true
  return { name: 'sign-in', query: to.path === '/' ? {} : { next: to.fullPath } }
}
