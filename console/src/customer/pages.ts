import type { Component } from 'vue'

/** The pages that customers open by a signed link, by what the link is for. Each gets the link's `token`. */
export const PAGES: Readonly<Partial<Record<string, () => Promise<{ default: Component }>>>> = {
  authorize: () => import('./authorize/AuthorizePage.vue'),
  authorized: () => import('./authorized/AuthorizedPage.vue'),
  file: () => import('./file/FilePage.vue'),
  upload: () => import('./upload/UploadPage.vue'),
}
