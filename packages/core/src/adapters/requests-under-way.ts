import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The requests that a server is at. One is over when the application has ended with it, and its answer has left or its connection has gone. */
export interface RequestsUnderWay {
  /** Notes a request: how it is answered, and the work that makes the answer. */
  add<Answer>(outgoing: ServerResponse, answering: Promise<Answer>): Promise<Answer>
  /** The answers that have not left yet, begun or not. */
  answers(): ServerResponse[]
  count(): number
}

/** Watches a server that does not listen yet. */
export function requestsUnderWay(server: Server): RequestsUnderWay {
  // By connection: of requests that wait for the one before them, nobody is told when it goes.
  const answers = new Map<Socket, Set<ServerResponse>>()
  const working = new Set<Promise<unknown>>()
  server.on('connection', (socket) => {
    answers.set(socket, new Set())
    socket.once('close', () => answers.delete(socket))
  })
  return {
    add(outgoing, answering) {
      const ofConnection = answers.get(outgoing.req.socket)
      ofConnection?.add(outgoing)
      outgoing.once('close', () => ofConnection?.delete(outgoing))
      working.add(answering)
      const end = (): void => void working.delete(answering)
      answering.then(end, end)
      return answering
    },
    answers: () => [...answers.values()].flatMap((each) => [...each]),
    count: () =>
      Math.max(
        [...answers.values()].reduce((sum, each) => sum + each.size, 0),
        working.size,
      ),
  }
}
