import { gzipSync } from 'node:zlib'
import { pinnedFetch } from '@drawbridge/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DocumentServer, openDocumentServer } from '../support/document-server.ts'
import { type House, openHouse } from '../support/house.ts'
import { documentOf } from '../support/strangers.ts'
import { type Answer, openTab } from '../support/tab.ts'

// A client's host on this machine, over TLS and by its name. What it answers comes through the network as it would from anywhere.

let server: DocumentServer
let url: string

beforeAll(async () => {
  server = await openDocumentServer(['client.example.com'])
  url = `https://client.example.com:${server.port}/client.json`
})
afterAll(() => server.close())

interface Outcome {
  readonly status: number
  readonly reasons: readonly string[]
}

function open(allowed: boolean, resolve: (host: string) => readonly string[] = () => ['127.0.0.1']): House {
  const metadataDocuments = { dangerouslyAllowLoopback: allowed }
  return openHouse({ clients: { metadataDocuments }, fetchPinned: pinnedFetch({ resolve: async (host) => resolve(host) }) })
}

async function outcomeOf(house: House, asking: Promise<Answer> = openTab(house).open(house.authorizeUrl(url))): Promise<Outcome> {
  const { status } = await asking
  return { status, reasons: house.events.flatMap((event) => (event.type === 'document.refused' ? [event.reason] : [])) }
}

const json = { 'content-type': 'application/json' }
const good = (): string => JSON.stringify(documentOf(url))
const long = (): string => JSON.stringify(documentOf(url, { padding: 'x'.repeat(6000) }))

describe('over the network', () => {
  it('a client that is a URL logs in (R119, R120)', async () => {
    const house = open(true)
    server.answer = (_, response) => response.writeHead(200, json).end(good())
    const before = server.requests.length
    const answer = await house.redeem(url, (await house.signIn(url)).searchParams.get('code') ?? '')
    expect(answer.status).toBe(200)
    expect(server.requests.slice(before)).toEqual([`client.example.com:${server.port} /client.json`])
  })

  it.each<[string, DocumentServer['answer'], string]>([
    [
      '6 KB that are announced (R129)',
      (_, response) => response.writeHead(200, { ...json, 'content-length': long().length }).end(long()),
      'too_long',
    ],
    [
      '6 KB in pieces (R129)',
      (_, response) => {
        response.writeHead(200, json)
        response.write(long().slice(0, 3000))
        response.end(long().slice(3000))
      },
      'too_long',
    ],
    [
      'a body without an end (R129)',
      (_, response) => {
        response.writeHead(200, json)
        const more = (): void => void (response.writable && response.write('x'.repeat(1000), more))
        more()
      },
      'too_long',
    ],
    [
      'a bomb (T35)',
      (_, response) => response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(long())),
      'content_encoding',
    ],
    ['a bomb that does not say so', (_, response) => response.writeHead(200, json).end(gzipSync(good())), 'not_json'],
    ['a redirect (R127)', (_, response) => response.writeHead(302, { location: url }).end(), 'redirect'],
    [
      'half of a body',
      (_, response) => response.writeHead(200, { ...json, 'content-length': 5000 }).write(good(), () => response.destroy()),
      'unreachable',
    ],
    ['no HTTP', (request) => request.socket.end('hello\r\n\r\n'), 'unreachable'],
  ])('%s is refused', async (_, answer, reason) => {
    server.answer = answer
    expect(await outcomeOf(open(true))).toEqual({ status: 400, reasons: [reason] })
  })

  it('a host that is slow is given up after 5 seconds, in the middle of its body too (R129)', async () => {
    const house = open(true)
    const begun = new Promise<void>((resolve) => {
      server.answer = (_, response) => void response.writeHead(200, json).write('{', () => resolve())
    })
    const asking = openTab(house).open(house.authorizeUrl(url))
    await begun
    house.environment.advance(5)
    expect(await outcomeOf(house, asking)).toEqual({ status: 400, reasons: ['deadline'] })
  })

  it('a name that leads to this machine is refused before there is a connection (R128, T48)', async () => {
    server.answer = (_, response) => response.writeHead(200, json).end(good())
    const before = server.connections()
    expect(await outcomeOf(open(false))).toEqual({ status: 400, reasons: ['address_refused'] })
    expect(await outcomeOf(open(false, () => ['93.184.216.34', '127.0.0.1']))).toEqual({ status: 400, reasons: ['address_refused'] })
    expect(server.connections()).toBe(before)
  })

  it('a name that leads elsewhere the second time is asked for once, and the first address holds (T49)', async () => {
    server.answer = (_, response) => response.writeHead(200, json).end(good())
    const asked: string[] = []
    const house = open(true, (host) => {
      asked.push(host)
      return asked.length === 1 ? ['127.0.0.1'] : ['10.0.0.1']
    })
    expect(await outcomeOf(house)).toEqual({ status: 200, reasons: [] })
    expect(asked).toEqual(['client.example.com'])
  })
})
