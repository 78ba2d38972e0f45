// The library's dependency injection asks for it before anything else is loaded.
import 'reflect-metadata'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  type JsonGeneralNames,
  type X509Certificate,
} from '@peculiar/x509'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Paths of a certificate in PEM and of its private key. */
export interface Identity {
  readonly certFile: string
  readonly keyFile: string
}

/** An authority that signs certificates, made for one test. */
export interface Authority extends Identity {
  /**
   * For servers and clients alike. `names` are what a client may call a server; with negative
   * `days` it has expired.
   */
  sign(commonName: string, options?: { names?: JsonGeneralNames; days?: number }): Promise<Identity>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

export async function createAuthority(dir: string, name: string): Promise<Authority> {
  const keys = await newKeys()
  const subject = `CN=${name}`
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: subject,
    keys,
    signingAlgorithm: algorithm,
    ...validFor(2),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const own = await writeIdentity(dir, name, certificate, keys)

  const sign: Authority['sign'] = async (commonName, { names = [], days = 2 } = {}) => {
    const signedKeys = await newKeys()
    const signed = await X509CertificateGenerator.create({
      subject: `CN=${commonName}`,
      issuer: subject,
      publicKey: signedKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validFor(days),
      extensions: [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        await AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
      ],
    })
    return writeIdentity(dir, `${name}-${commonName}`, signed, signedKeys)
  }

  return { ...own, sign }
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

/** From a day before its end at the latest, and never from later than a minute ago. */
function validFor(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now()
  const end = now + days * dayMs
  return { notBefore: new Date(Math.min(now - 60_000, end - dayMs)), notAfter: new Date(end) }
}

async function writeIdentity(
  dir: string,
  name: string,
  certificate: X509Certificate,
  { privateKey }: CryptoKeyPair,
): Promise<Identity> {
  const certFile = path.join(dir, `${name}.pem`)
  const keyFile = path.join(dir, `${name}.key`)
  const key = await crypto.subtle.exportKey('pkcs8', privateKey)
  await writeFile(certFile, `${certificate.toString('pem')}\n`)
  await writeFile(keyFile, `${PemConverter.encode(key, 'PRIVATE KEY')}\n`, { mode: 0o600 })
  return { certFile, keyFile }
}
