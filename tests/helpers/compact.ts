import { EtcdConnection } from '../../lab-server/etcd/connection.ts'

/** Forgets everything older than the revision. */
export async function compact(url: string, revision: string): Promise<void> {
  const connection = new EtcdConnection(url, { purpose: 'test' })
  try {
    await connection.unary('KV', 'compact', { revision, physical: true }, 5000).answer
  } finally {
    connection.close()
  }
}
