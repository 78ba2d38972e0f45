import type { IDeployment } from 'kubernetes-models/apps/v1'

export type PodSpec = NonNullable<NonNullable<IDeployment['spec']>['template']['spec']>
type Container = PodSpec['containers'][number]

/** One control of the Pod Security Standards, and a change to a pod that violates it. */
export interface Control {
  readonly name: string
  readonly holds: (pod: PodSpec) => boolean
  readonly violate: (pod: PodSpec) => void
}

const containersOf = (pod: PodSpec): readonly Container[] => [
  ...(pod.initContainers ?? []),
  ...pod.containers,
]
const everyContainer = (pod: PodSpec, holds: (container: Container) => boolean) =>
  containersOf(pod).every(holds)
const change = (pod: PodSpec, security: Container['securityContext']) => {
  for (const container of pod.containers) {
    container.securityContext = { ...container.securityContext, ...security }
  }
}
const changePod = (pod: PodSpec, security: PodSpec['securityContext']) => {
  pod.securityContext = { ...pod.securityContext, ...security }
}

/** What a volume of the profile `restricted` may be; a volume names its source as a field. */
const volumeSources = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]
const seccompProfiles: readonly unknown[] = ['RuntimeDefault', 'Localhost']
const selinuxTypes: readonly unknown[] = [
  undefined,
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]
const appArmorTypes: readonly unknown[] = [undefined, 'RuntimeDefault', 'Localhost']
const safeSysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
]

const probesOf = ({ startupProbe, readinessProbe, livenessProbe, lifecycle }: Container) =>
  [startupProbe, readinessProbe, livenessProbe, lifecycle?.postStart, lifecycle?.preStop].filter(
    (probe) => probe !== undefined,
  )

/**
 * The profile `restricted`, with the controls of `baseline` that it contains, for Linux.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
export const restrictedControls: readonly Control[] = [
  {
    name: 'no Windows host process',
    holds: (pod) =>
      pod.securityContext?.windowsOptions?.hostProcess !== true &&
      everyContainer(pod, (each) => each.securityContext?.windowsOptions?.hostProcess !== true),
    violate: (pod) => changePod(pod, { windowsOptions: { hostProcess: true } }),
  },
  {
    name: 'none of the namespaces of the host',
    holds: (pod) => ![pod.hostNetwork, pod.hostPID, pod.hostIPC].includes(true),
    violate: (pod) => (pod.hostPID = true),
  },
  {
    name: 'no privileged container',
    holds: (pod) => everyContainer(pod, (each) => each.securityContext?.privileged !== true),
    violate: (pod) => change(pod, { privileged: true }),
  },
  {
    name: 'no port of the host',
    holds: (pod) =>
      everyContainer(pod, (each) => (each.ports ?? []).every((port) => (port.hostPort ?? 0) === 0)),
    violate: (pod) => pod.containers[0]?.ports?.push({ containerPort: 1, hostPort: 1 }),
  },
  {
    name: 'no probe to another host',
    holds: (pod) =>
      everyContainer(pod, (each) =>
        probesOf(each).every(
          (probe) => (probe.httpGet?.host ?? '') === '' && (probe.tcpSocket?.host ?? '') === '',
        ),
      ),
    violate: (pod) =>
      pod.containers.forEach((each) => {
        each.livenessProbe = { httpGet: { port: 80, host: '192.0.2.1' } }
      }),
  },
  {
    name: 'no AppArmor profile that is switched off',
    holds: (pod) =>
      appArmorTypes.includes(pod.securityContext?.appArmorProfile?.type) &&
      everyContainer(pod, (each) =>
        appArmorTypes.includes(each.securityContext?.appArmorProfile?.type),
      ),
    violate: (pod) => change(pod, { appArmorProfile: { type: 'Unconfined' } }),
  },
  {
    name: 'no SELinux user, role or type of its own',
    holds: (pod) =>
      [pod.securityContext, ...containersOf(pod).map((each) => each.securityContext)].every(
        (security) =>
          selinuxTypes.includes(security?.seLinuxOptions?.type) &&
          (security?.seLinuxOptions?.user ?? '') === '' &&
          (security?.seLinuxOptions?.role ?? '') === '',
      ),
    violate: (pod) => changePod(pod, { seLinuxOptions: { role: 'sysadm_r' } }),
  },
  {
    name: 'the ordinary /proc',
    holds: (pod) =>
      everyContainer(pod, (each) => (each.securityContext?.procMount ?? 'Default') === 'Default'),
    violate: (pod) => change(pod, { procMount: 'Unmasked' }),
  },
  {
    name: 'only sysctls that stay in the pod',
    holds: (pod) =>
      (pod.securityContext?.sysctls ?? []).every(({ name }) => safeSysctls.includes(name)),
    violate: (pod) => changePod(pod, { sysctls: [{ name: 'kernel.msgmax', value: '1' }] }),
  },
  {
    name: 'only volumes that belong to the pod or were given to it',
    holds: (pod) =>
      (pod.volumes ?? []).every((volume) =>
        Object.keys(volume).every((key) => key === 'name' || volumeSources.includes(key)),
      ),
    violate: (pod) => pod.volumes?.push({ name: 'socket', hostPath: { path: '/var/run' } }),
  },
  {
    name: 'no way to more privileges',
    holds: (pod) =>
      everyContainer(pod, (each) => each.securityContext?.allowPrivilegeEscalation === false),
    violate: (pod) => change(pod, { allowPrivilegeEscalation: true }),
  },
  {
    name: 'not as root',
    holds: (pod) =>
      everyContainer(
        pod,
        (each) =>
          (each.securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) === true,
      ),
    violate: (pod) => changePod(pod, { runAsNonRoot: false }),
  },
  {
    name: 'no user number 0',
    holds: (pod) =>
      pod.securityContext?.runAsUser !== 0 &&
      everyContainer(pod, (each) => each.securityContext?.runAsUser !== 0),
    violate: (pod) => change(pod, { runAsUser: 0 }),
  },
  {
    name: 'a seccomp profile',
    holds: (pod) =>
      everyContainer(pod, (each) =>
        seccompProfiles.includes(
          (each.securityContext?.seccompProfile ?? pod.securityContext?.seccompProfile)?.type,
        ),
      ),
    violate: (pod) => changePod(pod, { seccompProfile: { type: 'Unconfined' } }),
  },
  {
    name: 'without any capability but that to bind a low port',
    holds: (pod) =>
      everyContainer(pod, (each) => {
        const { drop = [], add = [] } = each.securityContext?.capabilities ?? {}
        return drop.includes('ALL') && add.every((name) => name === 'NET_BIND_SERVICE')
      }),
    violate: (pod) => change(pod, { capabilities: { drop: ['ALL'], add: ['SYS_PTRACE'] } }),
  },
]
