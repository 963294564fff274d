import type { ReplyMessage } from '@/api/types'
import { drawn } from '@/channels/card-picture'
import type { PreviewLine } from '@/channels/kinds'

import { filledIn } from './placeholders'

/** What a phone shows of a message; nothing where nothing is written yet. */
export function lineOf(
  message: ReplyMessage,
  values: Readonly<Record<string, string>>,
  pictureName: string,
): PreviewLine[] {
  switch (message.type) {
    case 'text': {
      const text = filledIn(message.text, values)
      return text.trim() ? [{ from: 'account', text }] : []
    }
    case 'image': {
      const picture = message.picture_id ? `/api/media/${message.picture_id}` : undefined
      return picture ? [{ from: 'account', text: pictureName, picture }] : []
    }
    case 'choices': {
      const choices = message.items.filter((item) => item.trim() !== '')
      const text = filledIn(message.text, values)
      return text.trim() || choices.length > 0
        ? [{ from: 'account', text, choices, tail: message.tail }]
        : []
    }
    case 'news':
      return message.title.trim()
        ? [
            {
              from: 'account',
              text: message.title,
              card: {
                description: message.description,
                ...drawn({ id: message.picture_id ?? null, address: message.picture_url }),
              },
            },
          ]
        : []
  }
}
