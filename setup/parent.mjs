const everyMs = 500

/**
 * Ends this process with SIGTERM once the process that started it is gone, however that died:
 * npm's shell does not pass signals on, and SIGKILL cannot be passed on.
 */
export function endWithParent() {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, everyMs)
  timer.unref()
}

/** True when npm, or set-up itself, started this process and waits for it. */
export function hasWaitingParent() {
  return process.env['npm_lifecycle_event'] !== undefined || isSecondProcess()
}

/** True in the process that set-up started again with a newer Node. */
export function isSecondProcess() {
  return process.env['LAB_SETUP_PARENT'] === String(process.ppid)
}
