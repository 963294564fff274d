import { nextTick, onMounted, type Ref, watch } from 'vue'

const MOST_SHARE = 0.4

/** Let a text area be as high as its text, up to a share of the window. */
export function useGrowing(
  area: Readonly<Ref<HTMLTextAreaElement | null>>,
  text: Readonly<Ref<string>>,
) {
  function grow(): void {
    const element = area.value
    if (element === null) return
    element.style.height = 'auto'
    const most = window.innerHeight * MOST_SHARE
    const border = element.offsetHeight - element.clientHeight
    element.style.height = `${String(Math.min(element.scrollHeight + border, most))}px`
  }

  watch(text, () => nextTick(grow))
  onMounted(grow)
}
