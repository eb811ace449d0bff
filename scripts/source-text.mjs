// What the rules about our sources look at: the text without comments, with or without what stands in literals. No parser:
// line and column of everything that is left stay where they were.

/** The text with its comments blanked. */
export function withoutComments(text) {
  return blank(text, (kind) => kind === 'comment')
}

/** The text with comments and the contents of literals blanked: what is left is code. `${...}` in a template is code. */
export function codeOf(text) {
  return blank(text, () => true)
}

/** The text without its doc comments; a line that held nothing else is gone. */
export function withoutDocComments(text) {
  return text.replace(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*\n/gm, '').replace(/\/\*\*[\s\S]*?\*\//g, '')
}

/** The number of the line that holds position `index`. */
export function lineAt(text, index) {
  return text.slice(0, index).split('\n').length
}

function blank(text, isBlanked) {
  let out = ''
  let last = 0
  for (const [kind, start, end] of pieces(text)) {
    const piece = text.slice(start, end)
    out += text.slice(last, start) + (isBlanked(kind) ? piece.replace(/[^\n]/g, ' ') : piece)
    last = end
  }
  return out + text.slice(last)
}

/** Comments and the insides of literals, in order, as [kind, start, end]. */
function pieces(text) {
  const found = []
  const templates = []
  let depth = 0
  let at = 0
  while (at < text.length) {
    const two = text.slice(at, at + 2)
    const one = text[at]
    if (two === '//' || two === '/*') at = skip('comment', at, endOfComment(text, at), 0)
    else if (one === "'" || one === '"') at = skip('literal', at + 1, endOfString(text, at + 1, one), 1)
    else if (one === '`') at = template(at + 1)
    else if (one === '/' && opensExpression(text.slice(0, at))) at = skip('literal', at + 1, endOfRegularExpression(text, at + 1), 1)
    else if (one === '}' && templates.at(-1) === depth) at = closeHole(at)
    else {
      if (one === '{') depth += 1
      if (one === '}') depth -= 1
      at += 1
    }
  }
  return found

  function skip(kind, start, end, after) {
    found.push([kind, start, end])
    return end + after
  }
  function template(start) {
    const end = endOfTemplate(text, start)
    if (text[end] !== '$') return skip('literal', start, end, 1)
    depth += 1
    templates.push(depth)
    return skip('literal', start, end, 2)
  }
  function closeHole(position) {
    templates.pop()
    depth -= 1
    return template(position + 1)
  }
}

function endOfComment(text, start) {
  const end = text[start + 1] === '/' ? text.indexOf('\n', start) : text.indexOf('*/', start + 2) + 2
  return end < start ? text.length : end
}

function endOfString(text, start, quote) {
  let at = start
  while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1
  return at
}

function endOfTemplate(text, start) {
  let at = start
  while (at < text.length && text[at] !== '`' && text.slice(at, at + 2) !== '${') at += text[at] === '\\' ? 2 : 1
  return at
}

function endOfRegularExpression(text, start) {
  let at = start
  let isClass = false
  while (at < text.length && text[at] !== '\n' && (isClass || text[at] !== '/')) {
    if (text[at] === '[') isClass = true
    if (text[at] === ']') isClass = false
    at += text[at] === '\\' ? 2 : 1
  }
  return at
}

/** Whether a slash after this begins a regular expression and does not divide. */
function opensExpression(before) {
  return /(^|[=(,:;!&|?{}[+*%~^<>]|\b(return|typeof|case|throw|await|yield))\s*$/.test(before)
}
