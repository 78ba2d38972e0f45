#!/usr/bin/env node
import './older-node.ts'
import { runProgram } from './cli/run.ts'

// Whoever runs a program can do nothing about what its packages should do otherwise.
process.noDeprecation = true
// Connections may still be closing; nothing of them is of interest any more.
process.exit(await runProgram(process.argv.slice(2), process.env))
