import type { Command } from '../command.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { ShellError } from '../shell-error.ts'
import { completionScript, shells } from '../completion-script.ts'

/** What `completion` takes. */
export const completableShells: readonly string[] = shells

export const completion: Command = {
  name: 'completion',
  aliases: [],
  requires: ['program'],
  positionals: [
    { name: 'shell', required: true, placeholder: `<${shells.join('|')}>`, complete: 'shells' },
  ],
  options: [],
  examples: ['completion bash', 'completion zsh', 'completion fish'],
  async run(context) {
    const wanted = context.args.required('shell')
    const shell = shells.find((one) => one === wanted)
    if (shell === undefined) {
      const facts = { shell: makeVisibleInline(wanted), shells }
      throw new ShellError('USAGE', (m) =>
        m.completion.unknown({ ...facts, shells: shells.join(m.listSeparator) }),
      )
    }
    const script = completionScript(shell, context.tools.program?.name ?? '')
    await context.stream('stdout', script)
    return 0
  },
}
