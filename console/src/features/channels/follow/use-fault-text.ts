import { useI18n } from 'vue-i18n'

import type { Fault } from './follow'

/** What is wrong with the field at a path, in words; null where nothing is. */
export function useFaultText(faults: () => readonly Fault[]) {
  const { t, te } = useI18n()
  return (path: string): string | null => {
    const fault = faults().find((one) => one.path === path)
    if (!fault) return null
    const field = path.split('.').at(-1) ?? ''
    const own = `follow.fault.${fault.reason}__${field}`
    return te(own) ? t(own, fault.values) : t(`follow.fault.${fault.reason}`, fault.values)
  }
}
