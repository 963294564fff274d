import type { RouteRecordRaw } from 'vue-router'

export const channelRoutes: RouteRecordRaw[] = [
  { path: '/channels', name: 'channels', component: () => import('./views/ChannelsView.vue') },
  {
    path: '/channels/add',
    name: 'add-channel',
    component: () => import('./views/ChooseKindView.vue'),
  },
  {
    path: '/channels/add/:kind',
    name: 'choose-way',
    component: () => import('./views/ChooseWayView.vue'),
    props: true,
  },
  {
    path: '/channels/add/:kind/by-hand',
    name: 'dock-by-hand',
    component: () => import('./views/DockView.vue'),
    props: true,
  },
  {
    path: '/channels/add/:kind/scan',
    name: 'dock-by-scan',
    component: () => import('./views/ScanView.vue'),
    props: true,
  },
  {
    path: '/channels/authorized',
    name: 'authorized',
    component: () => import('./views/AuthorizedView.vue'),
  },
  { path: '/channels/:id', redirect: ({ params }) => `/channels/${String(params.id)}/overview` },
  {
    path: '/channels/:id/:tab(overview|reception|transfer|follow-reply|menu|identity|permissions|health)',
    name: 'channel',
    component: () => import('./views/ChannelView.vue'),
    props: true,
  },
]
