import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { LabError } from '../../protocol/index.ts'

/** PEM files for `https://` endpoints. What is absent is not sent, or left to Node's own list. */
export interface TlsFiles {
  /** Certificates of the authorities that sign members' certificates. Default: those Node trusts. */
  readonly caFile?: string
  /** Our own certificate, followed by the intermediate ones; only together with `keyFile`. */
  readonly certFile?: string
  /** The private key of `certFile`, not encrypted. */
  readonly keyFile?: string
}

/** What the files hold, checked. */
export interface TlsMaterial {
  readonly ca: Buffer | null
  readonly identity: { readonly cert: Buffer; readonly key: Buffer } | null
}

type Report = (setting: keyof TlsFiles, expected: string, received: string) => void

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Reads and checks the files. Throws one `LabError` `CONFIG` that names every file with a problem
 * and what is wrong with it: missing, unreadable, no PEM, a key that does not fit.
 */
export function readTlsFiles(files: TlsFiles): TlsMaterial {
  const problems: string[] = []
  const report: Report = (setting, expected, received) => {
    const file = files[setting]
    const where = file === undefined ? `tls.${setting}` : `tls.${setting} ${file}`
    problems.push(`${where}: expected ${expected}, received ${received}`)
  }
  const ca = readCertificates(files, 'caFile', report)
  const identity = readIdentity(files, report)
  if (problems.length > 0) throw new LabError('CONFIG', problems.join('\n'))
  return { ca: ca?.pem ?? null, identity }
}

function readIdentity(files: TlsFiles, report: Report): TlsMaterial['identity'] {
  if (files.certFile === undefined && files.keyFile === undefined) return null
  const certificates = readCertificates(files, 'certFile', report)
  const key = readKey(files, report)
  if (files.certFile === undefined) {
    report('certFile', 'the certificate of tls.keyFile', 'nothing')
  }
  if (files.keyFile === undefined) {
    report('keyFile', 'the private key of tls.certFile', 'nothing')
  }
  if (certificates === null || key === null) return null
  if (!certificates.first.checkPrivateKey(key.key)) {
    const { certFile } = files
    report('keyFile', `the private key of the certificate in ${certFile ?? ''}`, 'another key')
  }
  return { cert: certificates.pem, key: key.pem }
}

function readCertificates(
  files: TlsFiles,
  setting: 'caFile' | 'certFile',
  report: Report,
): { pem: Buffer; first: X509Certificate } | null {
  const expected = 'a file with certificates in PEM'
  const pem = readSetting(files, setting, expected, report)
  if (pem === null) return null
  try {
    const found = pem.toString('latin1').match(certificatePattern) ?? []
    const [first] = found.map((text) => new X509Certificate(text))
    if (first !== undefined) return { pem, first }
    report(setting, expected, describeContent(pem))
  } catch (error) {
    report(setting, expected, describeError(error))
  }
  return null
}

function readKey(files: TlsFiles, report: Report): { pem: Buffer; key: KeyObject } | null {
  const expected = 'a file with a private key in PEM, not encrypted'
  const pem = readSetting(files, 'keyFile', expected, report)
  if (pem === null) return null
  if (!pem.includes('PRIVATE KEY-----')) {
    report('keyFile', expected, describeContent(pem))
    return null
  }
  try {
    return { pem, key: createPrivateKey(pem) }
  } catch (error) {
    report('keyFile', expected, describeError(error))
    return null
  }
}

function readSetting(
  files: TlsFiles,
  setting: keyof TlsFiles,
  expected: string,
  report: Report,
): Buffer | null {
  const file = files[setting]
  if (file === undefined) return null
  try {
    return readFileSync(file)
  } catch (error) {
    report(setting, expected, describeError(error))
    return null
  }
}

function describeContent(bytes: Buffer): string {
  return bytes.length === 0 ? 'an empty file' : `${bytes.length} bytes without one`
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
