const firstAfterMs = 1500
const againEveryMs = 10_000

/**
 * One line of set-up, on standard error: standard output belongs to the task itself.
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`[set-up] ${text}\n`)
}

/**
 * Does `work`; when that takes longer than a moment, says so, goes on saying so, and says when it
 * is done. What is quick stays silent.
 * @template T
 * @param {string} what what is being done, without a full stop: "Installing the npm packages"
 * @param {() => Promise<T>} work
 * @param {{ announced?: boolean }} [options] `announced`: it has been said already that it begins
 * @returns {Promise<T>}
 */
export async function withProgress(what, work, { announced = false } = {}) {
  const start = performance.now()
  const elapsed = () => `${((performance.now() - start) / 1000).toFixed(1)} s`
  const first = setTimeout(() => announced || say(`${what} …`), firstAfterMs)
  const again = setInterval(() => say(`${what} … ${elapsed()} so far`), againEveryMs)
  try {
    const result = await work()
    if (performance.now() - start > firstAfterMs) say(`${what}: done in ${elapsed()}`)
    return result
  } finally {
    clearTimeout(first)
    clearInterval(again)
  }
}
