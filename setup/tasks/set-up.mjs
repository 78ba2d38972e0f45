import { prepare } from '../prepare.mjs'

/**
 * `npm run set-up`: everything that any other task needs, so that the next one starts at once.
 * @returns {Promise<number>}
 */
export default async function setUp() {
  await prepare(['dependencies', 'etcd', 'site', 'chromium'])
  return 0
}
