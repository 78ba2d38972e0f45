export * from './cluster.ts'
export * from './errors.ts'
export * from './messages.ts'
