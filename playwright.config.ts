import { defineConfig } from '@playwright/test'

/** Found by the set-up script; without it Playwright uses the browser it downloaded itself. */
const executablePath = process.env['LAB_CHROMIUM']

/**
 * Tests start their own lab server (tests/helpers), each on a port of its own, so there is no
 * shared `webServer` here. Each worker has a server of its own, and a lab that its tests share.
 */
export default defineConfig({
  testDir: 'tests/e2e',
  testMatch: '**/*.test.ts',
  outputDir: 'test-results',
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  use: {
    browserName: 'chromium',
    locale: 'en-US',
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath === undefined || executablePath === '' ? {} : { executablePath }),
      // Chromium's own sandbox cannot start as root, as in a container.
      ...(process.getuid?.() === 0 ? { args: ['--no-sandbox'] } : {}),
    },
  },
})
