import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isOurSubject, subjectOfClient, subjectOfIssuer } from './subject.ts'

it('names a client, or whom an issuer knows, and can be told from what an upstream says (R99)', () => {
  expect(subjectOfClient('reports')).toBe('urn:drawbridge:client:reports')
  expect(subjectOfIssuer('https://idp.example.com', 'a b:1')).toBe('urn:drawbridge:person:https%3A%2F%2Fidp.example.com:a%20b%3A1')
  expect(['583231', 'client:reports', 'reports', 'https://idp.example.com', ''].map(isOurSubject)).toEqual(Array(5).fill(false))
})

it('is another for another issuer, person or client (R99)', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, text, text, text, (issuer, subject, otherIssuer, otherSubject) => {
      const [one, other] = [subjectOfIssuer(issuer, subject), subjectOfIssuer(otherIssuer, otherSubject)]
      expect(one === other).toBe(issuer === otherIssuer && subject === otherSubject)
      expect([one, subjectOfClient(issuer)].every(isOurSubject)).toBe(true)
      expect(subjectOfClient(issuer)).not.toBe(one)
    }),
    { seed: 99 },
  )
})
