import { computed, ref } from 'vue'

const STEPS = [1, 2, 4] as const

/** How large a picture is looked at. `scale` is null where it is fitted into the window. */
export function useZoom() {
  const step = ref(-1)
  const scale = computed(() => STEPS[step.value] ?? null)

  return {
    scale,
    canZoomIn: computed(() => step.value < STEPS.length - 1),
    canZoomOut: computed(() => step.value >= 0),
    zoomIn: () => (step.value = Math.min(STEPS.length - 1, step.value + 1)),
    zoomOut: () => (step.value = Math.max(-1, step.value - 1)),
    fit: () => (step.value = -1),
    toggle: () => (step.value = step.value < 0 ? 0 : -1),
  }
}
