import { inject, type InjectionKey, provide } from 'vue'

type View = (messageId: string) => void

const KEY: InjectionKey<View> = Symbol('viewer')

/** Let the pictures below open the viewer by their message's id. */
export function provideViewer(view: View): void {
  provide(KEY, view)
}

export function useViewer(): View {
  return inject(KEY, () => undefined)
}
