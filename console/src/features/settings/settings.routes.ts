import type { RouteRecordRaw } from 'vue-router'

export const settingsRoutes: RouteRecordRaw[] = [
  { path: '/settings', redirect: '/settings/workspace' },
  {
    path: '/settings/workspace',
    name: 'workspace-settings',
    component: () => import('./views/WorkspaceView.vue'),
  },
]
