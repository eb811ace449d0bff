/** Something that can happen. A fault is what nobody has to count on: from everywhere there is to be a way on without one. */
export interface Move<State> {
  readonly name: string
  readonly state: State
  readonly isFault?: boolean
}

/** A world: how it begins, what can happen in it, and what must hold. */
export interface Model<State> {
  readonly first: State
  moves(state: State): readonly Move<State>[]
  /** The state as text: two states with the same text have the same future. */
  keyOf(state: State): string
  /** What is in it that must never be. */
  brokenIn(state: State): string | undefined
  /** Whether everybody has an answer. */
  isSettled(state: State): boolean
}

/** What an exploration found; `way` is the shortest one to what is broken. */
export interface Exploration {
  readonly states: number
  readonly broken?: string
  readonly way?: readonly string[]
}

/** What is broken when somebody can ask for ever: no way without a further fault leads to an answer. */
export const neverAnswered = 'whoever keeps trying gets neither an answer nor a clean new login'

interface Found<State> {
  readonly states: State[]
  readonly from: number[]
  readonly names: string[]
  /** Each move that is no fault, as where it begins and where it leads to. */
  readonly begins: number[]
  readonly leads: number[]
}

/** Looks at every state there is, breadth first, each once; then whether each of them comes to an end. */
export function explore<State>(model: Model<State>): Exploration {
  const found: Found<State> = { states: [model.first], from: [-1], names: ['start'], begins: [], leads: [] }
  const known = new Map([[model.keyOf(model.first), 0]])
  for (let at = 0; at < found.states.length; at += 1) {
    const state = found.states[at] as State
    for (const { name, state: next, isFault = false } of model.moves(state)) {
      const key = model.keyOf(next)
      const old = known.get(key)
      const index = old ?? found.states.length
      if (!isFault) {
        found.begins.push(at)
        found.leads.push(index)
      }
      if (old !== undefined) continue
      known.set(key, index)
      found.states.push(next)
      found.from.push(at)
      found.names.push(name)
      const broken = model.brokenIn(next)
      if (broken !== undefined) return { states: index + 1, broken, way: wayTo(index, found) }
    }
  }
  const lost = neverSettling(model, found)
  const states = found.states.length
  return lost === undefined ? { states } : { states, broken: neverAnswered, way: wayTo(lost, found) }
}

function wayTo<State>(index: number, { from, names }: Found<State>): string[] {
  const way: string[] = []
  for (let at = index; at > 0; at = from[at] ?? 0) way.unshift(names[at] ?? '')
  return way
}

/** The first state from which no way without a fault leads to one where everybody has an answer: walked backwards from those. */
function neverSettling<State>(model: Model<State>, { states, begins, leads }: Found<State>): number | undefined {
  const comesFrom: number[][] = states.map(() => [])
  for (const [move, to] of leads.entries()) comesFrom[to]?.push(begins[move] ?? 0)
  const settles = new Uint8Array(states.length)
  const edge = states.flatMap((state, index) => (model.isSettled(state) ? [index] : []))
  for (const index of edge) settles[index] = 1
  for (let at = edge.pop(); at !== undefined; at = edge.pop()) {
    for (const before of comesFrom[at] ?? []) {
      if (settles[before] === 1) continue
      settles[before] = 1
      edge.push(before)
    }
  }
  const lost = settles.indexOf(0)
  return lost === -1 ? undefined : lost
}
