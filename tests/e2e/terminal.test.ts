import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Page } from '@playwright/test'
import { expect, LabPage, test } from './fixtures.ts'

test.describe('the line editor', () => {
  test('completes commands, members, services and addresses', async ({ lab }) => {
    await lab.run('register PaymentService 127.0.0.1:7070')
    await completeTo(lab, 'dereg', 'lab$ deregister')
    await completeTo(lab, 'discover Pay', 'lab$ discover PaymentService')
    await completeTo(lab, 'deregister PaymentService 127.', expect.stringContaining(':7070'))
    await completeTo(lab, 'logs etcd', 'lab$ logs etcd')
    for (const name of ['etcd1', 'etcd2', 'etcd3']) {
      await lab.expectOnScreen(new RegExp(`${name}\\s+running`))
    }
    await completeTo(lab, 'kill l', 'lab$ kill leader')
    await completeTo(lab, 'help vers', 'lab$ help version')
    await completeTo(lab, 'nothing-like-this', 'lab$ nothing-like-this')
  })

  test('recalls earlier lines, also after a reload, and keeps the line in hand', async ({
    page,
    lab,
  }) => {
    await lab.run('version')
    await lab.run('help version')
    await page.reload()
    await lab.waitForPrompt()
    await lab.type('half a li')
    await page.keyboard.press('ArrowUp')
    await lab.expectInput('lab$ help version')
    await page.keyboard.press('ArrowUp')
    await lab.expectInput('lab$ version')
    await page.keyboard.press('ArrowUp')
    await lab.expectInput('lab$ version')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await lab.expectInput('lab$ half a li')

    await page.keyboard.press('Control+r')
    await page.keyboard.type('help')
    await lab.expectInput('(search: help) help version')
    await page.keyboard.press('Enter')
    await lab.expectOnScreen('Usage: version')
  })

  test('moves and edits by characters and words, kills and yanks', async ({ page, lab }) => {
    const steps: readonly (readonly [keys: readonly string[], line: string])[] = [
      [['Control+ArrowLeft', 'X'], 'lab$ one two Xthree'],
      [['Backspace', 'ArrowLeft', 'ArrowLeft', 'Delete'], 'lab$ one tw three'],
      [['Home', '#'], 'lab$ #one tw three'],
      [['Delete', 'Alt+ArrowRight', '-'], 'lab$ #ne- tw three'],
      [['Control+k'], 'lab$ #ne-'],
      [['Control+a', 'Control+y'], 'lab$  tw three#ne-'],
      [['End', 'Alt+Backspace'], 'lab$  tw'],
      [['Control+y', 'Control+u'], 'lab$'],
      [['Control+y', 'Control+a', 'Alt+d'], 'lab$  three#ne-'],
      [['Control+e', '!'], 'lab$  three#ne-!'],
    ]
    await lab.type('one two three')
    for (const [keys, line] of steps) {
      for (const key of keys) await page.keyboard.press(key)
      await lab.expectInput(line)
    }
    await page.keyboard.press('Control+c')
    await lab.expectOnScreen('three#ne-!^C')
    await lab.expectInput('lab$')
  })

  test('never runs pasted lines before the reader has seen each of them', async ({ page, lab }) => {
    await paste(page, lab, 'lab$ version\nhelp lease\r\nhelp\u0007 watch\n')
    await lab.expectInput('lab$ version')
    await expect(lab.terminal()).toContainText('2 more pasted')
    await expect(lab.terminal()).toHaveAttribute('data-state', 'idle')
    await expect(lab.screen()).not.toContainText('Usage')

    await page.keyboard.press('Enter')
    await lab.expectOnScreen('PROGRAM')
    await lab.expectInput('lab$ help lease')
    await page.keyboard.press('Enter')
    await lab.expectOnScreen('Usage: lease')
    await lab.expectInput('lab$ help watch')
    await page.keyboard.press('Control+c')
    await lab.expectInput('lab$')
    await expect(lab.screen()).not.toContainText('Usage: watch')
    await expect(lab.terminal()).not.toContainText('more pasted')
  })
})

test.describe('running commands', () => {
  test('Ctrl-C ends a watch, the prompt comes back and shows the exit code', async ({
    page,
    lab,
  }) => {
    await lab.type('watch SilentService')
    await page.keyboard.press('Enter')
    await expect(lab.terminal()).toHaveAttribute('data-state', 'running')
    await expect(lab.terminal()).toContainText('running: watch SilentService')
    await page.keyboard.press('Control+c')
    await lab.waitForPrompt()
    await lab.expectInput('[130] lab$')
    await lab.run('version')
    await lab.expectInput('lab$')
  })

  test('keys typed while a command runs wait for the prompt, and Enter runs them there', async ({
    page,
    lab,
  }) => {
    await lab.type('call AheadService --count 4 --every 500')
    await page.keyboard.press('Enter')
    await expect(lab.terminal()).toHaveAttribute('data-state', 'running')
    await page.keyboard.type('version')
    await page.keyboard.press('Enter')
    await page.keyboard.type('help le')
    await lab.expectOnScreen('PROGRAM')
    await lab.expectInput('lab$ help le')
    // The output of the command stands in one piece, and the typed line below it.
    await lab.expectOnScreen(/--every 500\s+#1 [^$]*\s#4 [^$]*lab\$ version\s+PROGRAM/)
    await page.keyboard.press('Control+c')
  })

  test('Ctrl-C discards what was typed while the command ran', async ({ page, lab }) => {
    await lab.type('watch SilentService')
    await page.keyboard.press('Enter')
    await expect(lab.terminal()).toHaveAttribute('data-state', 'running')
    await page.keyboard.type('version')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Control+c')
    await lab.waitForPrompt()
    await lab.expectInput('[130] lab$')
    await expect(lab.screen()).not.toContainText('PROGRAM')
  })

  test('two terminals of a page run apart and keep their own history', async ({
    page,
    server,
    sharedLab,
  }) => {
    const lab = new LabPage(page)
    await lab.openShared(server, sharedLab, 'lab/register-and-discover/')
    await lab.waitForPrompt(2)
    await lab.type('watch ShopService', 2)
    await page.keyboard.press('Enter')
    await expect(lab.terminal(2)).toHaveAttribute('data-state', 'running')
    await lab.run('register ShopService 127.0.0.1:6060')
    await lab.expectOnScreen('127.0.0.1:6060', 2)
    await lab.run('deregister ShopService 127.0.0.1:6060')
    await expect(lab.terminal(2)).toHaveAttribute('data-state', 'running')
    await lab.type('', 2)
    await page.keyboard.press('Control+c')
    await lab.waitForPrompt(2)
    await expect(lab.screen()).not.toContainText('lab$ watch ShopService')
    await page.keyboard.press('ArrowUp')
    await lab.expectInput('[130] lab$ watch ShopService', 2)
    await lab.type('', 1)
    await page.keyboard.press('ArrowUp')
    await lab.expectInput('lab$ deregister ShopService 127.0.0.1:6060')
  })

  test('a mistake is answered with an example, the nearest command and a hint (en)', async ({
    lab,
  }) => {
    await lab.run('discovr UserService')
    await lab.expectOnScreen('Did you mean discover?')
    await expect(lab.hint()).toHaveAttribute('data-code', 'UNKNOWN_COMMAND')
    await expect(lab.hint()).toContainText('help lists all; Tab completes')
    await lab.expectInput('[127] lab$')

    await lab.run('register UserService')
    await lab.expectOnScreen('Usage: register <service')
    await lab.expectOnScreen('Example: register ')
    await expect(lab.hint()).toHaveAttribute('data-code', 'USAGE')
    await lab.expectInput('[2] lab$')

    for (const line of ['services | wc', 'services > file', 'services; cluster', 'echo $(id)']) {
      await lab.run('clear')
      await lab.run(line)
      await lab.expectOnScreen('there is no shell behind this terminal')
      await expect(lab.hint()).toContainText('no pipes, redirections or variables')
    }
    await lab.run('etcdctl put waits')
    await expect(lab.hint()).toHaveAttribute('data-code', 'STDIN_REFUSED')
    await lab.run('version')
    await expect(lab.hint()).toBeHidden()
  })

  test('a mistake is answered with an example, the nearest command and a hint (zh-CN)', async ({
    page,
    server,
    sharedLab,
  }) => {
    const lab = new LabPage(page, 'zh-CN')
    await lab.openShared(server, sharedLab)
    await lab.run('discovr UserService')
    await lab.expectOnScreen('discover')
    await lab.expectOnScreen(/\p{Script=Han}/u)
    await expect(lab.hint()).toContainText(/\p{Script=Han}.*help/u)
    await lab.run('register UserService')
    await lab.expectOnScreen('用法')
    await expect(lab.hint()).toHaveAttribute('data-code', 'USAGE')
    await lab.run('services | wc')
    await expect(lab.hint()).toHaveAttribute('data-code', 'UNSUPPORTED_SYNTAX')
    await expect(lab.hint()).toContainText(/\p{Script=Han}/u)
    await lab.run('discover UserService：1.0')
    await lab.expectOnScreen('：')
    await expect(lab.hint()).toHaveAttribute('data-code', 'USAGE')
  })
})

test.describe('text of every script', () => {
  test('wide and combined characters take the cells that the cursor moves by', async ({
    page,
    lab,
  }) => {
    await lab.type('')
    await lab.expectInput('lab$')
    const start = await lab.cursorX()
    const cell = (await widthOf(lab, 'ab', start)) / 2
    expect(cell).toBeGreaterThan(4)
    for (const [text, cells] of [
      ['注册中心', 8],
      ['ＡＢ：', 6],
      ['🚀', 2],
      ['👩‍💻', 2],
      ['🇨🇳', 2],
      ['e\u0301', 1],
    ] as const) {
      const width = await widthOf(lab, text, start)
      expect.soft(width / cell, JSON.stringify(text)).toBeCloseTo(cells, 1)
    }
    // One press takes a whole character away, however it is encoded.
    await page.keyboard.insertText('注👩‍💻e\u0301')
    await lab.expectInput('lab$ 注👩‍💻e\u0301')
    await page.keyboard.press('Backspace')
    await page.keyboard.press('Backspace')
    await lab.expectInput('lab$ 注')
    await page.keyboard.press('ArrowLeft')
    await expect.poll(() => lab.cursorX()).toBeCloseTo(start, 0)
    await page.keyboard.press('Control+u')
    await page.keyboard.press('Control+k')
  })

  test('a Chinese input method composes into the line, and its Enter runs nothing', async ({
    page,
    lab,
  }) => {
    const browser = await page.context().newCDPSession(page)
    await lab.type('etcdctl put note ')
    for (const text of ['z', 'zh', 'zhu c', '注 ce']) {
      await browser.send('Input.imeSetComposition', {
        text,
        selectionStart: text.length,
        selectionEnd: text.length,
      })
      await expect(lab.terminal().locator('.composition-view')).toHaveText(text)
    }
    await browser.send('Input.insertText', { text: '注册' })
    await lab.expectInput('lab$ etcdctl put note 注册')
    await expect(lab.terminal()).toHaveAttribute('data-state', 'idle')

    // Given up half-way: nothing of it is left.
    await browser.send('Input.imeSetComposition', {
      text: 'x',
      selectionStart: 1,
      selectionEnd: 1,
    })
    await browser.send('Input.imeSetComposition', {
      text: '',
      selectionStart: 0,
      selectionEnd: 0,
    })
    await page.keyboard.insertText('中心')
    await lab.expectInput('lab$ etcdctl put note 注册中心')
    await page.keyboard.press('Enter')
    await lab.expectOnScreen('OK')
    await lab.waitForPrompt()
    await lab.run('etcdctl get note')
    await lab.expectOnScreen(/note\s+注册中心/)
  })

  test('a narrower window wraps the output and the line anew, and keeps both whole', async ({
    page,
    lab,
  }) => {
    const value = Array.from({ length: 30 }, (_, at) => `v${String(at)}-中`).join(',')
    await lab.run(`etcdctl put wide ${value}`)
    await lab.run('clear')
    await lab.run('etcdctl get wide --print-value-only')
    const line = `etcdctl put wide ${value.slice(0, 150)}`
    await page.keyboard.insertText(line)
    await lab.expectInput(`lab$ ${line}`)
    for (const width of [500, 1280]) {
      const before = await lab.screen().evaluate((screen) => screen.clientWidth)
      await page.setViewportSize({ width, height: 1100 })
      await expect
        .poll(() => lab.screen().evaluate((screen) => screen.clientWidth))
        .not.toBe(before)
      await lab.expectInput(`lab$ ${line}`)
      const text = await lab.screen().evaluate((screen) => {
        return [...screen.children].map((row) => row.textContent.trimEnd()).join('')
      })
      expect(text.split(value)).toHaveLength(2)
    }
    await page.keyboard.press('End')
    await page.keyboard.type('!')
    await lab.expectInput(`lab$ ${line}!`)
    await page.keyboard.press('Control+c')
  })
})

test.describe('readers and their tools', () => {
  test('screen-reader mode exposes what stands on the screen, and is remembered', async ({
    page,
    lab,
  }) => {
    const exposed = lab.terminal().locator('.xterm-accessibility')
    await expect(exposed).toHaveCount(0)
    const toggle = lab.terminal().getByRole('button', { name: 'Screen reader mode' })
    await toggle.click()
    await expect(toggle).toHaveAttribute('aria-pressed', 'true')
    await lab.run('services')
    await expect(exposed).toContainText('lab$ services')
    await page.reload()
    await lab.waitForPrompt()
    await expect(exposed).toContainText('lab$ services')
    await toggle.click()
    await expect(exposed).toHaveCount(0)
  })

  test('Esc and then Tab or Shift-Tab leave the terminal; Tab alone does not', async ({
    page,
    lab,
  }) => {
    const input = lab.terminal().locator('textarea')
    await expect(input).toHaveAccessibleName('Command line of terminal 1')
    await expect(input).toHaveAccessibleDescription(/Esc then Tab leaves the terminal/)
    for (const leave of ['Tab', 'Shift+Tab']) {
      await input.focus()
      await page.keyboard.press('Tab')
      await expect(input).toBeFocused()
      await page.keyboard.press('Escape')
      await expect(lab.terminal()).toContainText('Tab now leaves the terminal')
      await page.keyboard.press(leave)
      await expect(input).not.toBeFocused()
      await expect(lab.terminal()).not.toContainText('Tab now leaves the terminal')
    }
  })

  test('a selection is copied by Ctrl-C, which interrupts again once it is gone', async ({
    page,
    lab,
  }) => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await lab.run('register CopyService 127.0.0.1:5050')
    await lab.type('watch CopyService')
    await page.keyboard.press('Enter')
    await expect(lab.terminal()).toHaveAttribute('data-state', 'running')
    for (const keys of ['Control+Shift+c', 'Control+c']) {
      await page.evaluate(() => navigator.clipboard.writeText(''))
      const { x, y } = await middleOf(lab, 'CopyService')
      await page.mouse.dblclick(x, y)
      await page.keyboard.press(keys)
      await expect
        .poll(() => page.evaluate(() => navigator.clipboard.readText()))
        .toBe('CopyService')
      await expect(lab.terminal()).toHaveAttribute('data-state', 'running')
    }
    await page.keyboard.press('Control+c')
    await lab.waitForPrompt()
  })
})

test.describe('hostile input', () => {
  test('values in etcd cannot drive the terminal: no title, cursor, colour or clipboard', async ({
    page,
    server,
    lab,
  }) => {
    await lab.run('etcdctl put /hostile/mark here')
    const title = await page.title()
    const values = {
      title: '\x1b]0;PWNED\x07',
      cursor: '\x1b[2J\x1b[HMOVED',
      colour: '\x1b[31;42mRED\x1b[0m',
      c1: '\u009b31mC1\u009d0;PWNED\u009c',
      clipboard: '\x1b]52;c;UFdORUQ=\x07',
      query: '\x1b[c\x1b[6n\x1b[>q',
      override: '\u202egnirts',
      back: 'shown\rhidden\b\b\b',
    }
    await putPastTheShell(server.dataDir, values)
    await lab.run('clear')
    await lab.run('version')
    await lab.run('etcdctl get /hostile/cursor')
    await lab.expectOnScreen(/lab\$ version[^]*␛\[2J␛\[HMOVED/)
    await lab.run('clear')
    await lab.run('etcdctl get /hostile/ --prefix')
    await lab.expectOnScreen('␛]0;PWNED␇')
    await lab.expectOnScreen('␛[31;42mRED')
    await lab.expectOnScreen('\\u202e')
    await expect(lab.screen().locator('[class*="xterm-fg-1"], [class*="xterm-bg-2"]')).toHaveCount(
      0,
    )
    // An answer to a query would stand in the line.
    await lab.expectInput('lab$')
    expect(await page.title()).toBe(title)
  })

  test('hostile, huge and binary lines end neither the terminal nor the lab', async ({
    page,
    lab,
  }) => {
    const huge = `etcdctl put k ${'x'.repeat(4096)}`
    await paste(page, lab, huge)
    await page.keyboard.press('Enter')
    await expect(lab.hint()).toHaveAttribute('data-code', 'LINE_TOO_LONG')
    await expect(lab.hint()).toContainText('4110 characters, 4096 are allowed')
    await expect(lab.terminal()).toHaveAttribute('data-state', 'idle')
    await page.keyboard.press('Control+c')
    await lab.expectInput('lab$')

    for (const line of [
      `etcdctl put k ${'x'.repeat(4000)}`,
      '\u0000\u0001\u001b]0;x\u0007\u009b31m\ud800',
      'Z̷͈̅a̴l̶g̵o̸'.repeat(40),
      '𝕬👨‍👩‍👧‍👦🏴‍☠️﷽'.repeat(30),
      '\'\'\'"""\\\\\\',
      '-- --help -rf / %s%n ../../etc/passwd',
      '__proto__ constructor toString',
    ]) {
      await paste(page, lab, line)
      await page.keyboard.press('Enter')
      await lab.waitForPrompt()
    }
    await lab.run('clear')
    await lab.run('cluster')
    await lab.expectOnScreen('Quorum held: 3 of 3')
  })
})

/** Types `text`, presses Tab, and waits for the line it makes; leaves an empty line behind. */
async function completeTo(
  lab: LabPage,
  text: string,
  line: string | ReturnType<typeof expect.stringContaining>,
): Promise<void> {
  await lab.type(text)
  await lab.page.keyboard.press('Tab')
  await expect.poll(() => lab.inputLine(), { intervals: [20, 50, 100] }).toEqual(line)
  await lab.page.keyboard.press('Control+u')
  await lab.expectInput('lab$')
}

/** Cells from the start of the line to the cursor behind `text`, in pixels; empties the line. */
async function widthOf(lab: LabPage, text: string, start: number): Promise<number> {
  await lab.type('')
  await lab.page.keyboard.insertText(text)
  await lab.expectInput(`lab$ ${text}`)
  const width = (await lab.cursorX()) - start
  await lab.page.keyboard.press('Control+u')
  await lab.expectInput('lab$')
  return width
}

/** The middle of the first place where `text` stands on the screen. */
function middleOf(lab: LabPage, text: string): Promise<{ x: number; y: number }> {
  return lab.screen().evaluate((screen, wanted) => {
    const walker = document.createTreeWalker(screen, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const from = node.textContent?.indexOf(wanted) ?? -1
      if (from < 0) continue
      const range = document.createRange()
      range.setStart(node, from)
      range.setEnd(node, from + wanted.length)
      const { left, top, width, height } = range.getBoundingClientRect()
      return { x: left + width / 2, y: top + height / 2 }
    }
    throw new Error(`${wanted} is not on the screen`)
  }, text)
}

async function paste(page: Page, lab: LabPage, text: string): Promise<void> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.evaluate((value) => navigator.clipboard.writeText(value), text)
  await lab.type('')
  await page.keyboard.press('Control+v')
}

/** Writes below /hostile/ as a reader's own program would: with etcdctl, straight to a member. */
async function putPastTheShell(
  dataDir: string,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const etcdctl = path.join(process.env['LAB_ETCD_DIR'] ?? '', 'etcdctl')
  const run = (socket: string, ...args: string[]) =>
    promisify(execFile)(etcdctl, [`--endpoints=unix://${socket}`, ...args])
  const files = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((name) => path.basename(name) === 'etcd1.sock')) {
    const socket = path.join(dataDir, file)
    // Labs of other tests stand beside it, and may have lost this member.
    const marked = await run(socket, '--command-timeout=2s', 'get', '/hostile/mark').then(
      ({ stdout }) => stdout.includes('here'),
      () => false,
    )
    if (!marked) continue
    for (const [name, value] of Object.entries(values)) {
      await run(socket, 'put', `/hostile/${name}`, value)
    }
    return
  }
  throw new Error('no member of a lab has the mark')
}
