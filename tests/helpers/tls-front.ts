import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { Identity } from './certificates.ts'

/** A TLS server before one member, which tells what etcd does not: who is connected. */
export interface TlsFront {
  /** `https://127.0.0.1:…` */
  readonly url: string
  /** Common names of the clients' certificates, one for each open connection, sorted. */
  connected(): string[]
  close(): Promise<void>
}

/** Accepts clients whose certificate the authority has signed; `socketUrl` is `unix://…`. */
export async function startTlsFront(
  socketUrl: string,
  { certFile, keyFile, caFile }: Identity & { readonly caFile: string },
): Promise<TlsFront> {
  const clients = new Map<TLSSocket, string>()
  const server = createServer({
    cert: await readFile(certFile),
    key: await readFile(keyFile),
    ca: await readFile(caFile),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['h2'],
  })
  server.on('secureConnection', (client) => {
    clients.set(client, String(client.getPeerCertificate().subject.CN))
    const member = connect(socketUrl.replace('unix://', ''))
    client.pipe(member).pipe(client)
    for (const [one, other] of [
      [client, member],
      [member, client],
    ] as const) {
      // A connection that breaks on one side breaks on the other.
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    client.on('close', () => clients.delete(client))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return {
    url: `https://127.0.0.1:${address.port}`,
    connected: () => [...clients.values()].toSorted(),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const client of clients.keys()) client.destroy()
      await closed
    },
  }
}
