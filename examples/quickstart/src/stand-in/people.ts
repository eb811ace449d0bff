/** Somebody who can sign in at the stand-in, with the fields of GitHub's "Get the authenticated user" that tell one from another. */
export interface Person {
  readonly id: number
  readonly login: string
  readonly name: string | null
  readonly email: string | null
}

/** Those who can sign in: one with everything public, one more, and one who shows neither name nor e-mail address. */
export const samplePeople: readonly Person[] = [
  { id: 583231, login: 'octocat', name: 'The Octocat', email: 'octocat@example.com' },
  { id: 1000001, login: 'alice', name: 'Alice Example', email: 'alice@example.com' },
  { id: 1000002, login: 'bob', name: null, email: null },
]

/** The person of that login name; GitHub does not tell upper case from lower. */
export function findPerson(people: readonly Person[], login: string): Person | undefined {
  return people.find((person) => person.login.toLowerCase() === login.trim().toLowerCase())
}
