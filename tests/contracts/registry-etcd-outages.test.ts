import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import { describeRegistry } from './registry-contract.ts'

describeRegistry('etcd', (client) => createEtcdRegistry({ client }), { parts: ['outages'] })
