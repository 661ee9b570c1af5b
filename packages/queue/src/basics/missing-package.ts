import { MiddlewareError } from '@langfuse-middleware/delivery/options'

/** Loads an optional client, and says what to install if it is not there. */
export async function loadClient<Module>(
  name: string,
  feature: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    const isMissing = /MODULE_NOT_FOUND/.test(String((cause as { code?: unknown }).code))
    throw new MiddlewareError(
      'LANGFUSE_MIDDLEWARE_MISSING_PACKAGE',
      isMissing
        ? `${feature} needs the package ${name}: npm install ${name}`
        : `${feature} cannot load the package ${name}: ${(cause as Error).message}`,
      { cause },
    )
  }
}
