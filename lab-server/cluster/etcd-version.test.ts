import { describe, expect, it } from 'vitest'
import {
  compareEtcdVersions,
  formatEtcdVersion,
  isAtLeast,
  isOutdated,
  parseEtcdVersion,
  securityFloor,
} from './etcd-version.ts'

const floorOf = (text: string) => formatEtcdVersion(securityFloor(parseEtcdVersion(text)))
const outdated = (text: string) => isOutdated(parseEtcdVersion(text))

describe('parseEtcdVersion', () => {
  it('reads what `etcd --version` prints', () => {
    const printed =
      'etcd Version: 3.5.30\nGit SHA: abc\nGo Version: go1.26.4\nGo OS/Arch: linux/amd64\n'
    expect(parseEtcdVersion(printed)).toEqual({ major: 3, minor: 5, patch: 30 })
  })

  it('reads a bare version, with or without v and suffix', () => {
    expect(parseEtcdVersion('3.6.14')).toEqual({ major: 3, minor: 6, patch: 14 })
    expect(parseEtcdVersion('v3.7.0-rc.1')).toEqual({ major: 3, minor: 7, patch: 0 })
  })

  it('does not mistake the version of Go for that of etcd', () => {
    expect(() => parseEtcdVersion('Go Version: go1.26.4')).toThrow(
      expect.objectContaining({ code: 'CONFIG' }),
    )
  })
})

describe('compareEtcdVersions', () => {
  it('compares numbers, not text', () => {
    expect(compareEtcdVersions(parseEtcdVersion('3.5.9'), parseEtcdVersion('3.5.30'))).toBeLessThan(
      0,
    )
    expect(
      compareEtcdVersions(parseEtcdVersion('3.10.0'), parseEtcdVersion('3.9.9')),
    ).toBeGreaterThan(0)
    expect(compareEtcdVersions(parseEtcdVersion('3.6.1'), parseEtcdVersion('3.6.1'))).toBe(0)
  })

  it('knows which minor a version has reached', () => {
    expect(isAtLeast(parseEtcdVersion('3.5.30'), 3, 6)).toBe(false)
    expect(isAtLeast(parseEtcdVersion('3.6.0'), 3, 6)).toBe(true)
    expect(isAtLeast(parseEtcdVersion('4.0.0'), 3, 6)).toBe(true)
  })
})

describe('isOutdated', () => {
  it('judges a version by the floor of its own minor', () => {
    expect(outdated('3.5.32')).toBe(true)
    expect(outdated('3.5.33')).toBe(false)
    expect(outdated('3.6.13')).toBe(true)
    expect(outdated('3.6.14')).toBe(false)
    expect(outdated('3.7.0')).toBe(true)
    expect(outdated('3.7.1')).toBe(false)
    expect(floorOf('3.6.2')).toBe('3.6.14')
  })

  it('measures a minor without a floor by its nearest', () => {
    expect(outdated('3.4.40')).toBe(true)
    expect(floorOf('3.4.40')).toBe('3.5.33')
    expect(outdated('3.8.0')).toBe(false)
    expect(floorOf('3.8.0')).toBe('3.7.1')
  })
})
