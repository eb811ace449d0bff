/** A button that sends its form. */
export interface Button {
  readonly label: string
  readonly name?: string
  readonly value: string
}

/** A form as a person finds it. */
export interface Form {
  /** Absolute. */
  readonly action: string
  readonly method: 'get' | 'post'
  /** What is sent unless something else is typed in: hidden fields and all. */
  readonly fields: Readonly<Record<string, string>>
  readonly buttons: readonly Button[]
}

/** A page that was shown, or the place where the browser was told to stop: `status` is 0 then, and there is nothing to see. */
export interface Page {
  readonly url: string
  readonly status: number
  readonly html: string
  readonly title: string
  readonly forms: readonly Form[]
  /** Where the page moves on to by itself (`<meta http-equiv="refresh">`); absolute. */
  readonly refresh?: string
}

type Attributes = Readonly<Record<string, string>>

interface Tag {
  readonly name: string
  readonly closes: boolean
  readonly attributes: Attributes
  /** The text up to the next tag, decoded. */
  readonly text: string
}

/** Reads a page: its title, its forms with `input` and `button`, and where it moves on to. Scripts are never run. */
export function parsePage(url: string, status: number, html: string): Page {
  const tags = parseTags(html)
  const base = (reference: string) => new URL(reference, url).href
  const refresh = tags.find(({ name, attributes }) => name === 'meta' && attributes['http-equiv']?.toLowerCase() === 'refresh')
  const [, target] = /^\s*\d+\s*[;,]\s*(?:url\s*=\s*)?["']?(.+?)["']?\s*$/i.exec(refresh?.attributes.content ?? '') ?? []
  return {
    url,
    status,
    html,
    title: tags.find(({ name }) => name === 'title')?.text.trim() ?? '',
    forms: formRanges(tags).map((range) => parseForm(range, base)),
    ...(target !== undefined && { refresh: base(target) }),
  }
}

function parseTags(html: string): Tag[] {
  const markup = html.replace(/<!--.*?-->/gs, '').replace(/<(script|style)\b[^>]*>.*?<\/\1\s*>/gis, '')
  const pattern = /<(\/?)([a-z][a-z0-9-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>([^<]*)/gi
  return [...markup.matchAll(pattern)].map(([, slash, name = '', attributes = '', text = '']) => ({
    name: name.toLowerCase(),
    closes: slash === '/',
    attributes: parseAttributes(attributes),
    text: decode(text),
  }))
}

function parseAttributes(text: string): Attributes {
  const pattern = /([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/g
  return Object.fromEntries(
    [...text.matchAll(pattern)].map(([, name = '', double, single, bare]) => [name.toLowerCase(), decode(double ?? single ?? bare ?? '')]),
  )
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return entities[name.toLowerCase()] ?? whole
    return String.fromCodePoint(Number.parseInt(decimal ?? hex ?? '0', decimal === undefined ? 16 : 10))
  })
}

function formRanges(tags: readonly Tag[]): Tag[][] {
  const starts = tags.flatMap(({ name, closes }, index) => (name === 'form' && !closes ? [index] : []))
  return starts.map((start) => {
    const end = tags.findIndex(({ name, closes }, index) => index > start && name === 'form' && closes)
    return tags.slice(start, end < 0 ? undefined : end)
  })
}

function parseForm([form, ...tags]: readonly Tag[], base: (reference: string) => string): Form {
  const open = tags.filter(({ closes, attributes }) => !closes && !('disabled' in attributes))
  const buttons = open.filter(({ name, attributes: { type = 'submit' } }) => name === 'button' && type === 'submit')
  return {
    action: base(form?.attributes.action ?? ''),
    method: form?.attributes.method?.toLowerCase() === 'post' ? 'post' : 'get',
    fields: Object.fromEntries(open.filter(isSent).map(({ attributes: { name = '', value = '' } }) => [name, value])),
    buttons: buttons.map(({ text, attributes: { name, value = '' } }) => ({
      label: text.trim(),
      value,
      ...(name !== undefined && { name }),
    })),
  }
}

function isSent({ name, attributes }: Tag): boolean {
  const { type = 'text' } = attributes
  if (name !== 'input' || !attributes.name || ['submit', 'button', 'reset', 'image'].includes(type)) return false
  return !['checkbox', 'radio'].includes(type) || 'checked' in attributes
}
