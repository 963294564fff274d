import '@/ui/tokens.css'
import '@/ui/base.css'
import './customer.css'

import { createApp } from 'vue'

import { openWords, type Words } from '@/ui/words'

import CustomerApp from './CustomerApp.vue'
import { placeOf } from './place'

const files: Record<string, Words> = import.meta.glob(
  ['./**/locales/*.json', '../ui/locales/*.json'],
  { eager: true, import: 'default' },
)

createApp(CustomerApp, { place: placeOf(window.location.pathname) })
  .use(openWords(files))
  .mount('#app')
