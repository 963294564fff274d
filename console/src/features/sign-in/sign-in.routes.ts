import type { RouteRecordRaw } from 'vue-router'

import SignInView from './SignInView.vue'

export const signInRoutes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: SignInView, meta: { open: true } },
]
