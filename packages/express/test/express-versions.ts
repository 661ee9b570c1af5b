import express5 from 'express'

type Express = typeof express5

/** The oldest and the newest of either major that the adapter is for; 5.0 here has the first router, 2.0, too. */
export const expressVersions: readonly (readonly [string, Express])[] = [
  ['Express 4.18', require('express4.18') as Express],
  ['Express 4.22', require('express4') as Express],
  ['Express 5.0', require('express5.0') as Express],
  ['Express 5.3', express5],
]

/** Whether it is one whose router writes paths as path-to-regexp did before version 1. */
export function isExpress4(version: string): boolean {
  return version.startsWith('Express 4')
}
