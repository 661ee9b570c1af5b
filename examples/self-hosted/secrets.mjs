// Prints an .env with new secrets: node secrets.mjs > .env. Keep it: with another ENCRYPTION_KEY or SALT, stored keys are void.
import { randomBytes, randomUUID } from 'node:crypto'

const secret = () => randomBytes(24).toString('hex')
const values = {
  POSTGRES_PASSWORD: secret(),
  CLICKHOUSE_PASSWORD: secret(),
  REDIS_PASSWORD: secret(),
  S3_PASSWORD: secret(),
  NEXTAUTH_SECRET: secret(),
  SALT: secret(),
  ENCRYPTION_KEY: randomBytes(32).toString('hex'),
  LANGFUSE_PUBLIC_KEY: `pk-lf-${randomUUID()}`,
  LANGFUSE_SECRET_KEY: `sk-lf-${randomUUID()}`,
  LANGFUSE_USER_PASSWORD: secret(),
}
for (const [name, value] of Object.entries(values)) console.log(`${name}=${value}`)
