/**
 * The image's health check: exit code 0 when the server of this container answers. It answers at the
 * root whatever BASE_PATH is, and knows its own loopback address as Host.
 */
const port = process.env['PORT'] ?? '4379'
const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(
  (/** @type {unknown} */ error) => {
    console.error(error)
    return null
  },
)
process.exitCode = answer?.ok === true ? 0 : 1
