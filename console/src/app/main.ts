import '@/ui/tokens.css'
import '@/ui/emoji.css'
import '@/ui/base.css'

import { VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createApp } from 'vue'

import App from './App.vue'
import { openI18n } from './i18n'
import { openRouter } from './router'

createApp(App)
  .use(createPinia())
  .use(openI18n())
  .use(VueQueryPlugin, {
    queryClientConfig: {
      // Facts arrive by the socket; a query is asked again when the window comes back, and tried twice.
      defaultOptions: { queries: { staleTime: 30_000, retry: 1 } },
    },
  })
  .use(openRouter())
  .mount('#app')
