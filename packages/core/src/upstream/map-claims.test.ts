import { expect, it } from 'vitest'
import { mapClaims } from './map-claims.ts'

const said = {
  department: 'Optics',
  'https://example.com/roles': ['admin'],
  user: { team: { id: 7 } },
  nothing: null,
  many: Array.from({ length: 200 }, (_, index) => `group-${index}`),
}
const identity = { subject: '1', claims: { name: 'Jane' }, said }

it.each<[string, string, object]>([
  ['a member', 'department', { picked: 'Optics' }],
  ['a member whose name is a URL', 'https://example.com/roles', { picked: ['admin'] }],
  ['a path', 'user.team.id', { picked: 7 }],
  ['nothing that is null', 'nothing', {}],
  ['nothing that is not there', 'user.team.name', {}],
  ['nothing of JavaScript’s own', 'constructor', {}],
  ['nothing of JavaScript’s own on a path', 'user.constructor.name', {}],
  ['nothing that is too long to keep', 'many', {}],
])('picks %s', (_, path, picked) => {
  expect(mapClaims(identity, { picked: path })).toEqual({ ...identity, claims: { name: 'Jane', ...picked } })
})

it('goes over what the provider picked, by the name that the operator gave it', () => {
  expect(mapClaims(identity, { name: 'department' }).claims).toEqual({ name: 'Optics' })
})

it('picks nothing of an upstream that says nothing', () => {
  expect(mapClaims({ subject: '1', claims: {} }, { picked: 'department' })).toEqual({ subject: '1', claims: {} })
})
