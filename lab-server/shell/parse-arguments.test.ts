import { describe, expect, test } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { allCommands, findCommand } from './command-table.ts'
import { parseArguments } from './parse-arguments.ts'

const commandNamed = (name: string) => {
  const command = findCommand(allCommands(), name)
  if (command === null) throw new Error(`no command ${name}`)
  return command
}
const parse = (line: string) => {
  const [name = '', ...argv] = line.split(' ')
  return parseArguments(commandNamed(name), argv)
}
function refusal(line: string): LabError {
  try {
    parse(line)
  } catch (error) {
    if (error instanceof LabError) return error
    throw error
  }
  throw new Error(`accepted: ${line}`)
}

describe('arguments', () => {
  test('positionals, options in any place, defaults', () => {
    const args = parse('register --ttl=10 UserService:2.0 --group blue 127.0.0.1:8080')
    expect(args.required('service')).toBe('UserService:2.0')
    expect(args.required('address')).toBe('127.0.0.1:8080')
    expect(args.text('group')).toBe('blue')
    expect(args.integer('ttl')).toBe(10)
    expect(args.text('version')).toBeUndefined()
    expect(parse('register A b:1').integer('ttl')).toBe(30)
    expect(parse('register A b:1').text('group')).toBe('default')
  })

  test.each(['logs etcd1 -n 5', 'logs etcd1 -n5', 'logs etcd1 --lines 5', 'logs --lines=5 etcd1'])(
    '%s asks for five lines',
    (line) => {
      expect(parse(line).integer('lines')).toBe(5)
    },
  )

  test('a flag takes no value and may stand anywhere', () => {
    expect(parse('discover --naive UserService').flag('naive')).toBe(true)
    expect(parse('discover --naive UserService').required('service')).toBe('UserService')
    expect(parse('discover UserService').flag('naive')).toBe(false)
  })

  test('an optional positional may be left out', () => {
    expect(parse('lease').text('id')).toBeUndefined()
  })

  test.each([
    ['register', '<service[:version]> is missing'],
    ['register UserService', '<host:port> is missing: host and port'],
    ['register A b:1 c', '"c" is one argument too many'],
    ['register A b:1 --tll 5', 'no option --tll. Did you mean --ttl?'],
    ['register A b:1 -ttl 5', 'register has no option -t'],
    ['register A b:1 --ttl', '--ttl needs a value'],
    ['register A b:1 --ttl --group', '--ttl needs a value'],
    ['register A b:1 --ttl ten', '--ttl is "ten", expected a whole number from 1 to 86400'],
    ['register A b:1 --ttl 0', 'from 1 to 86400'],
    ['register A b:1 --ttl 1e3', 'expected a whole number'],
    ['register A b:1 --ttl=-5', 'expected a whole number'],
    ['register A b:1 --ttl 5 --ttl 6', '--ttl is given twice'],
    ['register A b:1 --no-ttl', 'no option --no-ttl'],
    ['register A b:1 --__proto__ x', 'no option --__proto__'],
    ['discover UserService --naive=yes', '--naive takes no value, and got "yes"'],
    ['discover UserService --naive --naive', '--naive is given twice'],
    ['logs etcd1 -n 501', 'from 1 to 500'],
    ['cluster now', '"now" is one argument too many'],
    ['kill --force leader', 'kill has no option --force'],
  ])('%s: %s', (line, message) => {
    const error = refusal(line)
    expect(error.code).toBe('USAGE')
    expect(error.message).toContain(message)
  })
})
