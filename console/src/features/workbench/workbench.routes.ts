import type { RouteRecordRaw } from 'vue-router'

const WorkbenchView = () => import('./views/WorkbenchView.vue')

export const workbenchRoutes: RouteRecordRaw[] = [
  { path: '/workbench', name: 'workbench', component: WorkbenchView },
  {
    path: '/workbench/:conversationId',
    name: 'conversation',
    component: WorkbenchView,
    meta: { alone: true },
  },
]
