import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1'
import { NetworkPolicy, type INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { Namespace, Service, type INamespace, type IService } from 'kubernetes-models/v1'
import ts from 'typescript'
import { parse } from 'yaml'

export const folder = path.resolve(import.meta.dirname, '../../deploy/kubernetes')

/** What the folder holds, freshly read: a test may change its own copy. */
export function readManifests() {
  return {
    namespace: read('namespace.yaml') as INamespace,
    deployment: read('deployment.yaml') as IDeployment,
    service: read('service.yaml') as IService,
    networkPolicy: read('network-policy.yaml') as INetworkPolicy,
  }
}

export type Manifests = ReturnType<typeof readManifests>

export function listFiles(): string[] {
  return readdirSync(folder)
}

/** A file of the folder that is no object of the cluster, such as what kustomize reads. */
export function read(file: string): unknown {
  return parse(readFileSync(path.join(folder, file), 'utf8'))
}

/** Required fields, types, patterns and formats, by the validators made from Kubernetes' OpenAPI. */
export function schemaProblems(manifests: Manifests): string[] {
  const models = [
    new Namespace(manifests.namespace),
    new Deployment(manifests.deployment),
    new Service(manifests.service),
    new NetworkPolicy(manifests.networkPolicy),
  ]
  return models.flatMap((model) => {
    try {
      model.validate()
      return []
    } catch (error) {
      return [`${model.kind}: ${String(error)}`]
    }
  })
}

/**
 * Fields that Kubernetes does not know. The validators let them pass, as an old API server did; the
 * compiler refuses them in a literal of the type.
 */
export function unknownFields(manifests: Manifests): string[] {
  const file = path.join(import.meta.dirname, 'manifests-as-literals.ts')
  const source = [
    "import type { IDeployment } from 'kubernetes-models/apps/v1'",
    "import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'",
    "import type { INamespace, IService } from 'kubernetes-models/v1'",
    literal('namespace', 'INamespace', manifests.namespace),
    literal('deployment', 'IDeployment', manifests.deployment),
    literal('service', 'IService', manifests.service),
    literal('networkPolicy', 'INetworkPolicy', manifests.networkPolicy),
  ].join('\n')
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
  }
  const program = ts.createProgram([file], options, hostWith(file, source, options))
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

function literal(name: string, type: string, value: object): string {
  return `export const ${name}: ${type} = ${JSON.stringify(value)}`
}

/** The compiler's own view of the disk, with one more file. */
function hostWith(file: string, source: string, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  return {
    ...host,
    fileExists: (name) => name === file || host.fileExists(name),
    readFile: (name) => (name === file ? source : host.readFile(name)),
    getSourceFile: (name, target, ...rest) =>
      name === file
        ? ts.createSourceFile(name, source, target)
        : host.getSourceFile(name, target, ...rest),
  }
}
