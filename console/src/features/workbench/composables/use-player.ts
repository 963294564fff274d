import { computed, ref, type Ref } from 'vue'

/** Plays one voice: what is heard now, and how far. Nothing plays before somebody asks for it. */
export function usePlayer(sound: Readonly<Ref<HTMLAudioElement | null>>, told: Ref<number | null>) {
  const playing = ref(false)
  const position = ref(0)
  const broken = ref(false)
  const measured = ref(0)
  /** Seconds; what the server measured until the browser knows better. */
  const duration = computed(() => measured.value || (told.value ?? 0))

  async function toggle(): Promise<void> {
    const element = sound.value
    if (element === null) return
    if (!element.paused) {
      element.pause()
      return
    }
    try {
      await element.play()
    } catch (error) {
      // Paused again before it began is no failure.
      if (!(error instanceof DOMException && error.name === 'AbortError')) broken.value = true
    }
  }

  function seek(seconds: number): void {
    position.value = seconds
    if (sound.value !== null) sound.value.currentTime = seconds
  }

  function again(): void {
    broken.value = false
  }

  /** Listeners for the element. */
  const follow = {
    play: () => (playing.value = true),
    pause: () => (playing.value = false),
    ended: () => {
      playing.value = false
      seek(0)
    },
    timeupdate: () => (position.value = sound.value?.currentTime ?? 0),
    durationchange: () => {
      const seconds = sound.value?.duration ?? 0
      measured.value = Number.isFinite(seconds) ? seconds : 0
    },
    error: () => (broken.value = true),
  }

  return { playing, position, duration, broken, toggle, seek, again, follow }
}
