import fastify5 from 'fastify'

type Fastify = typeof fastify5

/** The oldest and the newest of either major that the adapter is for. */
export const fastifyVersions: readonly (readonly [string, Fastify])[] = [
  ['Fastify 4.10', require('fastify4.10') as Fastify],
  ['Fastify 4.29', require('fastify4') as Fastify],
  ['Fastify 5', fastify5],
]
