import * as z from 'zod'
import { errorCodes } from '../../protocol/index.ts'

/** The only address that a provider listens on. */
export const providerHost = '127.0.0.1'

/** What a provider process is told, as its last argument. */
export const providerSettings = z.object({
  /** What it calls itself when it answers. */
  name: z.string(),
  service: z.object({ name: z.string(), version: z.string() }),
  ttlSeconds: z.number(),
  weight: z.number(),
  /** The members of the lab, as etcd writes URLs. */
  endpoints: z.array(z.string()),
  /** Stands before every key; empty for none. */
  namespace: z.string(),
})
export type ProviderSettings = z.infer<typeof providerSettings>

/** The one line that a provider process prints: where it listens, or why it cannot serve. */
export const providerReport = z.union([
  z.object({ port: z.number() }),
  z.object({ failed: z.object({ code: z.enum(errorCodes), message: z.string() }) }),
])
export type ProviderReport = z.infer<typeof providerReport>

/** The body of an answer. */
export const providerAnswer = z.object({
  name: z.string(),
  /** Calls answered so far, this one included. */
  count: z.number(),
})
export type ProviderAnswer = z.infer<typeof providerAnswer>
