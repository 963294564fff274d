import { computed, onBeforeUnmount, ref } from 'vue'

export const MOST_S = 60
const TYPES = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus']

export type RecorderState = 'idle' | 'asking' | 'recording' | 'done'
export type RecorderTrouble = 'denied' | 'missing' | 'unsupported' | null

/** Records one voice with the microphone; stops by itself after a minute. */
export function useRecorder() {
  const state = ref<RecorderState>('idle')
  const trouble = ref<RecorderTrouble>(null)
  const seconds = ref(0)
  const reachedEnd = ref(false)
  const url = ref<string | null>(null)
  const isOpen = computed(() => state.value !== 'idle' || trouble.value !== null)
  let file: File | null = null
  let recorder: MediaRecorder | null = null
  let stream: MediaStream | null = null
  let timer: ReturnType<typeof setInterval> | undefined
  /** Counts attempts, so that a microphone that comes too late is put down again. */
  let turn = 0

  async function start(): Promise<void> {
    discard()
    const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each))
    if (type === undefined) {
      trouble.value = 'unsupported'
      return
    }
    const ours = turn
    state.value = 'asking'
    try {
      const given = await navigator.mediaDevices.getUserMedia({ audio: true })
      if (ours !== turn) {
        for (const track of given.getTracks()) track.stop()
        return
      }
      stream = given
    } catch (error) {
      if (ours === turn) {
        state.value = 'idle'
        trouble.value = nameOf(error) === 'NotFoundError' ? 'missing' : 'denied'
      }
      return
    }
    record(stream, type)
  }

  function record(from: MediaStream, type: string): void {
    const pieces: Blob[] = []
    const began = performance.now()
    const one = new MediaRecorder(from, { mimeType: type })
    recorder = one
    one.ondataavailable = ({ data }) => pieces.push(data)
    one.onstop = () => {
      if (recorder === one) keep(new Blob(pieces, { type }), type)
    }
    state.value = 'recording'
    one.start()
    timer = setInterval(() => {
      seconds.value = (performance.now() - began) / 1000
      if (seconds.value >= MOST_S) {
        reachedEnd.value = true
        stop()
      }
    }, 100)
  }

  function keep(sound: Blob, type: string): void {
    release()
    const ending = type.startsWith('audio/mp4')
      ? 'm4a'
      : type.startsWith('audio/ogg')
        ? 'ogg'
        : 'webm'
    file = new File([sound], `voice.${ending}`, { type: sound.type })
    url.value = URL.createObjectURL(sound)
    state.value = 'done'
  }

  function stop(): void {
    clearInterval(timer)
    if (recorder?.state === 'recording') recorder.stop()
  }

  function release(): void {
    clearInterval(timer)
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = null
    recorder = null
  }

  function discard(): void {
    turn += 1
    const one = recorder
    release()
    if (one?.state === 'recording') one.stop()
    if (url.value !== null) URL.revokeObjectURL(url.value)
    url.value = null
    file = null
    seconds.value = 0
    reachedEnd.value = false
    trouble.value = null
    state.value = 'idle'
  }

  /** Return the recording and begin anew; null where there is none. */
  function take(): File | null {
    const taken = file
    discard()
    return taken
  }

  onBeforeUnmount(discard)
  return { state, trouble, seconds, reachedEnd, url, isOpen, start, stop, discard, take }
}

function nameOf(error: unknown): string {
  return error instanceof DOMException ? error.name : ''
}
