import { LabError } from '../protocol/index.ts'
import { checkSettings } from './config.ts'

try {
  await checkSettings()
} catch (error) {
  if (!(error instanceof LabError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
