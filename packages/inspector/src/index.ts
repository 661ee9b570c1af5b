export const name = 'inspector'
