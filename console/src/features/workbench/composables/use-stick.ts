import { nextTick, onBeforeUnmount, onMounted, type Ref, ref } from 'vue'

const NEAR_PX = 48

/**
 * Keep a scrolled list at its bottom while it was there, and in its place while older entries come in above.
 *
 * `content` is what grows inside `box`. `atBottom` says where the reader is.
 */
export function useStick(box: Ref<HTMLElement | null>, content: Ref<HTMLElement | null>) {
  const atBottom = ref(true)
  let observer: ResizeObserver | undefined
  let last = 0

  /**
   * See where the reader is now. Only who scrolls up leaves the bottom: a browser tells of scrolling late, and when it
   * does what is below may have grown meanwhile.
   */
  function look(): void {
    const element = box.value
    if (element === null) return
    const wentUp = element.scrollTop < last
    last = element.scrollTop
    const isNear = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
    atBottom.value = isNear || (atBottom.value && !wentUp)
  }

  function toBottom(): void {
    const element = box.value
    if (element === null) return
    atBottom.value = true
    element.scrollTop = element.scrollHeight
    last = element.scrollTop
  }

  /** Run `grow`, which adds entries above, so that what is being read does not move. */
  async function holding(grow: () => unknown): Promise<void> {
    const element = box.value
    const before = element === null ? 0 : element.scrollHeight - element.scrollTop
    await grow()
    await nextTick()
    if (element !== null) element.scrollTop = element.scrollHeight - before
  }

  onMounted(() => {
    observer = new ResizeObserver(() => {
      if (atBottom.value) toBottom()
    })
    if (content.value) observer.observe(content.value)
    if (box.value) observer.observe(box.value)
  })
  onBeforeUnmount(() => observer?.disconnect())

  return { atBottom, look, toBottom, holding }
}
