import type { Page } from '@playwright/test'
import type { LabAddress } from '../helpers/lab-server.ts'
import { expect, LabPage, type Language } from './fixtures.ts'

const measured = /\d[\d.,]*\s*(ms|s|毫秒|秒)/

/**
 * What the lab is there for: a reader registers a service, kills the leader, sees how long nobody led,
 * finds the service still registered and brings the member back.
 */
export async function doMainJob(page: Page, server: LabAddress, language: Language): Promise<void> {
  const lab = new LabPage(page, language)
  await lab.open(server)
  await lab.startLab()

  await lab.run('register UserService 127.0.0.1:8080')
  await lab.run('discover UserService')
  await expect(lab.screen()).toContainText('127.0.0.1:8080')

  const first = await lab.leader()
  await expect(lab.panel).toHaveAttribute('data-running', '3')
  await lab.run('kill leader')
  await expect(lab.screen()).toContainText('SIGKILL')

  await expect(lab.panel).not.toHaveAttribute('data-leader', first)
  const second = await lab.leader()
  expect(second).not.toBe(first)
  await expect(lab.result).toContainText(first)
  await expect(lab.result).toContainText(second)
  await expect(lab.result).toContainText(measured)
  await expect(lab.member(first)).toHaveAttribute('data-look', 'killed')

  await lab.run('clear')
  await lab.run('discover UserService')
  await expect(lab.screen()).toContainText('127.0.0.1:8080')

  await lab.run(`start ${first}`)
  await expect(lab.panel).toHaveAttribute('data-running', '3')
  await expect(lab.member(first)).toHaveAttribute('data-look', 'follower')
  expect(await lab.leader()).toBe(second)
}
