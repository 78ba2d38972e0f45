import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Paths of a certificate in PEM and of its private key. */
export interface Identity {
  readonly certFile: string
  readonly keyFile: string
}

/** An authority that signs certificates, made for one test with the program openssl. */
export interface Authority extends Identity {
  /**
   * For servers and clients alike. `names` as openssl writes them (`IP:127.0.0.1`, `DNS:localhost`);
   * with negative `days` it has expired.
   */
  sign(
    commonName: string,
    options?: { names?: readonly string[]; days?: number },
  ): Promise<Identity>
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export async function createAuthority(dir: string, name: string): Promise<Authority> {
  const own = identityIn(dir, name)
  const subject = ['-subj', `/CN=${name}`, '-days', '2']
  await openssl(['req', '-x509', ...newKey, ...outputs(own), ...subject])

  async function sign(
    commonName: string,
    { names = [], days = 2 }: { names?: readonly string[]; days?: number } = {},
  ): Promise<Identity> {
    const signed = identityIn(dir, `${name}-${commonName}`)
    const request = path.join(dir, `${name}-${commonName}.csr`)
    const extensions = path.join(dir, `${name}-${commonName}.ext`)
    const keyOut = ['-keyout', signed.keyFile, '-out', request]
    await openssl(['req', ...newKey, ...keyOut, '-subj', `/CN=${commonName}`])
    const alternatives = names.length === 0 ? '' : `subjectAltName=${names.join(',')}\n`
    await writeFile(extensions, `extendedKeyUsage=serverAuth,clientAuth\n${alternatives}`)
    const authority = ['-CA', own.certFile, '-CAkey', own.keyFile, '-CAcreateserial']
    const result = ['-out', signed.certFile, '-extfile', extensions, '-days', String(days)]
    await openssl(['x509', '-req', '-in', request, ...authority, ...result])
    return signed
  }

  return { ...own, sign }
}

function identityIn(dir: string, name: string): Identity {
  return { certFile: path.join(dir, `${name}.pem`), keyFile: path.join(dir, `${name}.key`) }
}

function outputs({ certFile, keyFile }: Identity): string[] {
  return ['-keyout', keyFile, '-out', certFile]
}

async function openssl(args: readonly string[]): Promise<void> {
  await run('openssl', args)
}
