import type { Component } from 'vue'

/** The pages that customers open by a signed link, by what the link is for. Each gets the link's `token`. */
export const PAGES: Readonly<Partial<Record<string, () => Promise<{ default: Component }>>>> = {
  authorize: () => import('./authorize/AuthorizePage.vue'),
  authorized: () => import('./authorized/AuthorizedPage.vue'),
  choices: () => import('./choices/ChoicesPage.vue'),
  file: () => import('./file/FilePage.vue'),
  identity: () => import('./identity/IdentityPage.vue'),
  'identify-failed': () => import('./identity/IdentifyFailedPage.vue'),
  'open-in-wechat': () => import('./identity/OpenInWechatPage.vue'),
  upload: () => import('./upload/UploadPage.vue'),
}
