// Runs before the first paint, so that neither the theme nor the language flashes. A file of its own, because the
// content security policy allows no inline script. The keys are those of src/app/theme.ts and src/ui/words.ts.
;(function () {
  var root = document.documentElement
  try {
    var theme = localStorage.getItem('moorage.theme')
    var locale = localStorage.getItem('moorage.locale') || navigator.language
    root.lang = /^zh/i.test(locale) ? 'zh-CN' : 'en'
  } catch {
    // Storage may be forbidden; the defaults stand.
  }
  var dark =
    theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  root.dataset.theme = dark ? 'dark' : 'light'
})()
