/** A parameter of a token request, which is a form or JSON. */
export function tokenParameter(body: string, name: string): unknown {
  return body.startsWith('{')
    ? Object.entries(JSON.parse(body)).find(([member]) => member === name)?.[1]
    : new URLSearchParams(body).get(name)
}
