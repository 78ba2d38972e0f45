import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import models from 'kubernetes-models/package.json' with { type: 'json' }
import { listFiles, read, readManifests, schemaProblems, unknownFields } from './manifests.ts'
import { restrictedControls, type PodSpec } from './pod-security.ts'

const dockerfile = readFileSync(path.resolve(import.meta.dirname, '../../Dockerfile'), 'utf8')

function podOf({ deployment } = readManifests()): PodSpec {
  const pod = deployment.spec?.template.spec
  if (pod === undefined) throw new Error('the Deployment has no pod')
  return pod
}

function containerOf(pod = podOf()) {
  const [container, ...others] = pod.containers
  if (container === undefined || others.length > 0) throw new Error('expected one container')
  return container
}

/** Such as `10` or `5Gi`. */
function bytes(quantity: string | number | undefined): number {
  const [, number = '', unit = ''] =
    /^([\d.]+)(Ki|Mi|Gi|k|M|G)?$/.exec(String(quantity ?? '')) ?? []
  const factors: Readonly<Record<string, number>> = {
    '': 1,
    k: 1e3,
    M: 1e6,
    G: 1e9,
    Ki: 2 ** 10,
    Mi: 2 ** 20,
    Gi: 2 ** 30,
  }
  return Number(number === '' ? Number.NaN : number) * (factors[unit] ?? Number.NaN)
}

describe(`the schemas of kubernetes-models ${models.version}`, () => {
  console.log(`Kubernetes schemas: kubernetes-models ${models.version}`)

  test('accept every manifest', () => {
    expect(schemaProblems(readManifests())).toEqual([])
  })

  test('know every field of every manifest', () => {
    expect(unknownFields(readManifests())).toEqual([])
  })

  test('notice a wrong type, a missing field and a misspelled one', () => {
    const manifests = readManifests()
    Object.assign(manifests.deployment.spec ?? {}, { replicas: 'one' })
    Object.assign(manifests.service.spec?.ports?.[0] ?? {}, { port: undefined })
    expect(schemaProblems(manifests)).toEqual([
      expect.stringContaining('replicas'),
      expect.stringContaining('port'),
    ])
    const misspelled = readManifests()
    Object.assign(containerOf(podOf(misspelled)), { securityContxt: {} })
    expect(unknownFields(misspelled)).toEqual([expect.stringContaining('securityContxt')])
  })

  test('were asked about every file', () => {
    expect(listFiles().sort()).toEqual([
      'deployment.yaml',
      'kustomization.yaml',
      'namespace.yaml',
      'network-policy.yaml',
      'service.yaml',
    ])
    expect(read('kustomization.yaml')).toMatchObject({
      resources: ['namespace.yaml', 'deployment.yaml', 'service.yaml', 'network-policy.yaml'],
    })
  })
})

describe('the profile "restricted"', () => {
  test('is enforced for the namespace, which every other object is in', () => {
    const { namespace, ...others } = readManifests()
    for (const mode of ['enforce', 'warn', 'audit']) {
      expect(namespace.metadata?.labels?.[`pod-security.kubernetes.io/${mode}`]).toBe('restricted')
    }
    for (const { metadata } of Object.values(others)) {
      expect(metadata?.namespace).toBe(namespace.metadata?.name)
    }
  })

  test.each(restrictedControls)('$name: the pod keeps to it', ({ holds }) => {
    expect(holds(podOf())).toBe(true)
  })

  test.each(restrictedControls)('$name: a pod that does not is noticed', ({ holds, violate }) => {
    const pod = podOf()
    violate(pod)
    expect(holds(pod)).toBe(false)
  })
})

describe('the pod', () => {
  test('writes to its data directory and nowhere else', () => {
    const { securityContext, volumeMounts } = containerOf()
    expect(securityContext?.readOnlyRootFilesystem).toBe(true)
    expect(volumeMounts).toEqual([{ name: 'data', mountPath: '/data' }])
    expect(dockerfile).toMatch(/^ {4}LAB_DATA_DIR=\/data$/m)
  })

  test('is the user that the image names', () => {
    const [, user, group] = /^USER (\d+):(\d+)$/m.exec(dockerfile) ?? []
    expect(podOf().securityContext).toMatchObject({
      runAsUser: Number(user),
      runAsGroup: Number(group),
      fsGroup: Number(group),
    })
  })

  test('holds no token of the cluster', () => {
    expect(podOf().automountServiceAccountToken).toBe(false)
  })

  test('has as much memory and disk as its labs take, and the disk is no memory', () => {
    const { env, resources } = containerOf()
    const labs = Number(env?.find(({ name }) => name === 'LAB_MAX')?.value)
    // As lab-server/lab/lab-limit.ts counts them; the server itself takes some 150 MB.
    expect(bytes(resources?.limits?.['memory'])).toBeGreaterThanOrEqual((labs + 1) * 150e6)
    const [volume] = podOf().volumes ?? []
    expect(bytes(volume?.emptyDir?.sizeLimit)).toBeGreaterThanOrEqual(labs * 500e6)
    expect(volume?.emptyDir?.medium).toBeUndefined()
    expect(bytes(resources?.limits?.['ephemeral-storage'])).toBeGreaterThanOrEqual(
      bytes(volume?.emptyDir?.sizeLimit),
    )
  })

  test('is asked for its health at the port that it serves', () => {
    const { startupProbe, readinessProbe, livenessProbe, ports } = containerOf()
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      expect(probe?.httpGet).toEqual({ path: '/healthz', port: 'http' })
    }
    const [, port] = /^ {4}PORT=(\d+) /m.exec(dockerfile) ?? []
    expect(ports).toEqual([{ name: 'http', containerPort: Number(port) }])
  })

  test('has longer to end than the server takes at most', () => {
    expect(podOf().terminationGracePeriodSeconds).toBeGreaterThan(15)
  })

  test('is alone, also while it is replaced: a lab lives in one server', () => {
    const { spec } = readManifests().deployment
    expect(spec?.replicas).toBe(1)
    expect(spec?.strategy).toEqual({ type: 'Recreate' })
  })
})

test('service and network policy choose the pod, by the labels that it has', () => {
  const { deployment, service, networkPolicy } = readManifests()
  const labels = deployment.spec?.template.metadata?.labels
  expect(labels).toEqual(deployment.spec?.selector.matchLabels)
  expect(service.spec?.selector).toEqual(labels)
  expect(networkPolicy.spec?.podSelector?.matchLabels).toEqual(labels)
})

test('the network lets readers in at one port and lets nothing out', () => {
  const { networkPolicy, service } = readManifests()
  expect(networkPolicy.spec?.policyTypes).toEqual(['Ingress', 'Egress'])
  expect(networkPolicy.spec?.ingress).toEqual([{ ports: [{ port: 'http', protocol: 'TCP' }] }])
  expect(networkPolicy.spec?.egress).toEqual([])
  expect(service.spec?.type).toBe('ClusterIP')
  expect(service.spec?.ports).toEqual([{ name: 'http', port: 80, targetPort: 'http' }])
})
