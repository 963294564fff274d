import type { RouteRecordRaw } from 'vue-router'

export const installationRoutes: RouteRecordRaw[] = [
  {
    path: '/installation',
    name: 'installation',
    component: () => import('./views/InstallationView.vue'),
  },
]
