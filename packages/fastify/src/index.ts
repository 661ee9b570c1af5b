export const name = 'fastify'
