/** Parses a URL and removes one slash at its end. Only https, or http on loopback, is accepted. */
export function parseUrl(name: string, text: string, problems: string[]): string {
  const url = text.replace(/\/$/, '')
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    problems.push(`${name} ${JSON.stringify(text)} is not a URL such as https://mcp.example.com`)
  else if (!url.toLowerCase().startsWith('https:') && !isLoopback(url))
    problems.push(`${name} ${url} is not https (http is accepted on loopback only)`)
  return url
}

/** Whether a URL leads to this machine and nowhere else. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)
}
