import { LabError } from '../protocol/index.ts'
import { checkSettings } from './config.ts'

try {
  await checkSettings()
} catch (error) {
  if (!(error instanceof LabError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
