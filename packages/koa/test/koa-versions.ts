import Koa3 from 'koa'

/** The oldest and the newest major that are supported. */
export const koaVersions: readonly (readonly [name: string, Koa: typeof Koa3])[] = [
  ['Koa 2', require('koa2') as typeof Koa3],
  ['Koa 3', Koa3],
]
