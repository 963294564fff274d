/**
 * Go to another site's page by a link, as if it had been followed: the page is told which site the reader comes from,
 * and nothing more. Our own pages otherwise tell nobody.
 */
export function leaveFor(url: string): void {
  const link = document.createElement('a')
  link.href = url
  link.referrerPolicy = 'origin'
  document.body.append(link)
  link.click()
  link.remove()
}
