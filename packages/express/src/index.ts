export const name = 'express'
