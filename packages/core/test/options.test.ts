import { resolveOptions, type TracingOptions } from '@langfuse-middleware/core'

const KEYS = { LANGFUSE_PUBLIC_KEY: 'pk-lf-1', LANGFUSE_SECRET_KEY: 'sk-lf-1' }

describe('environment and tier', () => {
  it.each([
    ['starter', 'development', 1],
    ['starter', 'staging', 1],
    ['starter', 'production', 1],
    ['growth', 'development', 1],
    ['growth', 'staging', 0.5],
    ['growth', 'production', 0.5],
    ['enterprise', 'development', 1],
    ['enterprise', 'staging', 0.5],
    ['enterprise', 'production', 0.1],
  ] as const)('%s in %s keeps %d of the traces', (tier, environment, rate) => {
    expect(resolveOptions({ tier, environment }, KEYS).sampling.rate).toBe(rate)
  })

  it.each([
    ['starter', 1, 1_000],
    ['growth', 25, 5_000],
    ['enterprise', 100, 10_000],
  ] as const)('%s flushes %d observations every %d ms', (tier, at, intervalMs) => {
    expect(resolveOptions({ tier }, KEYS).flush).toEqual({ at, intervalMs })
  })

  it('treats an environment of its own name like production', () => {
    expect(resolveOptions({ tier: 'enterprise', environment: 'eu-west' }, KEYS).sampling.rate).toBe(0.1)
  })

  it('takes the environment from code, then LANGFUSE_TRACING_ENVIRONMENT, then NODE_ENV, then development', () => {
    const env = { ...KEYS, NODE_ENV: 'production', LANGFUSE_TRACING_ENVIRONMENT: 'staging' }
    expect(resolveOptions({ environment: 'qa' }, env).environment).toBe('qa')
    expect(resolveOptions({}, env).environment).toBe('staging')
    expect(resolveOptions({}, { ...KEYS, NODE_ENV: 'Production' }).environment).toBe('production')
    expect(resolveOptions({}, KEYS).environment).toBe('development')
  })
})

describe('precedence', () => {
  it('lets code beat variables beat tier', () => {
    const env = {
      ...KEYS,
      LANGFUSE_SAMPLE_RATE: '0.25',
      LANGFUSE_FLUSH_AT: '7',
      LANGFUSE_FLUSH_INTERVAL: '2.5',
      LANGFUSE_RELEASE: 'v1',
      LANGFUSE_TRACING_ENABLED: 'false',
    }
    const fromVariables = resolveOptions({ tier: 'enterprise' }, env)
    expect(fromVariables).toMatchObject({
      enabled: false,
      release: 'v1',
      sampling: { rate: 0.25 },
      flush: { at: 7, intervalMs: 2_500 },
    })
    const fromCode = resolveOptions(
      { enabled: true, release: 'v2', sampling: { rate: 0.75 }, flush: { at: 3, intervalMs: 10 } },
      env,
    )
    expect(fromCode).toMatchObject({
      enabled: true,
      release: 'v2',
      sampling: { rate: 0.75 },
      flush: { at: 3, intervalMs: 10 },
    })
  })

  it('takes undefined for absent', () => {
    const options = { tier: undefined, sampling: { rate: undefined } } as unknown as TracingOptions
    expect(resolveOptions(options, KEYS)).toEqual(resolveOptions({}, KEYS))
  })

  it('is frozen', () => {
    expect(Object.isFrozen(resolveOptions({}, KEYS))).toBe(true)
  })
})

describe('destination', () => {
  it('takes the keys of the environment before the plain ones', () => {
    const env = {
      ...KEYS,
      LANGFUSE_PUBLIC_KEY_PROD: 'pk-prod',
      LANGFUSE_SECRET_KEY_PROD: 'sk-prod',
      LANGFUSE_HOST_PROD: 'https://eu.example.com/',
      LANGFUSE_PUBLIC_KEY_DEV: 'pk-dev',
    }
    expect(resolveOptions({ environment: 'production' }, env).destination).toEqual({
      kind: 'langfuse',
      publicKey: 'pk-prod',
      secretKey: 'sk-prod',
      baseUrl: 'https://eu.example.com',
    })
    expect(resolveOptions({ environment: 'development' }, env).destination).toMatchObject({
      publicKey: 'pk-dev',
    })
    expect(resolveOptions({ environment: 'staging' }, env).destination).toMatchObject({
      publicKey: 'pk-lf-1',
    })
  })

  it('knows LANGFUSE_HOST and LANGFUSE_BASE_URL, the latter first', () => {
    const host = resolveOptions({}, { ...KEYS, LANGFUSE_HOST: 'https://a.example' })
    const both = resolveOptions(
      {},
      { ...KEYS, LANGFUSE_HOST: 'https://a.example', LANGFUSE_BASE_URL: 'https://b.example' },
    )
    expect(host.destination).toMatchObject({ baseUrl: 'https://a.example' })
    expect(both.destination).toMatchObject({ baseUrl: 'https://b.example' })
  })

  it('is the local inspector in development without keys', () => {
    expect(resolveOptions({}, {}).destination).toMatchObject({
      kind: 'inspector',
      baseUrl: 'http://127.0.0.1:4319',
    })
  })

  it('never sends to the inspector address in production, nor to a remote host without keys', () => {
    expect(resolveOptions({}, { NODE_ENV: 'production' }).destination).toEqual({
      kind: 'none',
      missing: ['LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'],
    })
    expect(resolveOptions({}, { LANGFUSE_HOST: 'https://cloud.langfuse.com' }).destination.kind).toBe('none')
  })

  it('names the key that is missing where one is set', () => {
    expect(resolveOptions({}, { LANGFUSE_PUBLIC_KEY: 'pk' }).destination).toEqual({
      kind: 'none',
      missing: ['LANGFUSE_SECRET_KEY'],
    })
  })

  it('sends nothing from a test run without keys', () => {
    expect(resolveOptions({}, { NODE_ENV: 'test' }).destination.kind).toBe('none')
  })
})

describe('a wrong value', () => {
  const wrong: [TracingOptions, string][] = [
    [{ sampling: { rate: 1.5 } }, 'sampling.rate must be between 0 and 1, got 1.5'],
    [{ sampling: { rate: Number.NaN } }, 'sampling.rate must be between 0 and 1, got NaN'],
    [{ tier: 'gold' as 'growth' }, 'tier must be one of starter, growth, enterprise, got "gold"'],
    [{ baseUrl: 'cloud.langfuse.com' }, 'baseUrl must be an http or https URL'],
    [{ environment: 'Production!' }, 'environment must be up to 40 of a-z'],
    [{ environment: 'langfuse-x' }, 'environment must be'],
    [{ flush: { at: 0 } }, 'flush.at must be a number of at least 1, got 0'],
    [{ shutdown: { timeoutMs: -1 } }, 'shutdown.timeoutMs must be between'],
    [{ buffer: { maxBytes: Number.NaN } }, 'buffer.maxBytes must be a number of at least 1, got NaN'],
    [{ logger: { info() {} } as never }, 'logger must be an object with the methods info, warn and error'],
    [{ mask: 'x' as never }, 'mask must be a function, got "x"'],
    [
      { delivery: { timeoutMs: 'soon' as never } },
      'delivery.timeoutMs must be between 1 and 2147483647, got "soon"',
    ],
    [{ delivery: { timeoutMs: 0 } }, 'delivery.timeoutMs must be between 1 and 2147483647, got 0'],
    [{ delivery: { maxBytes: 5 } }, 'delivery.maxBytes must be a number of at least 65536, got 5'],
    [
      { delivery: { breaker: { failures: 0 } } },
      'delivery.breaker.failures must be an integer of at least 1, got 0',
    ],
    [{ delivery: { breaker: 3 as never } }, 'delivery.breaker must be an object, got 3'],
    [
      { delivery: { spool: {} as never } },
      'delivery.spool.directory must be the path of a directory, got undefined',
    ],
    [{ delivery: { spool: '/tmp' as never } }, 'delivery.spool must be an object, got "/tmp"'],
    [
      { delivery: { spool: { directory: '/tmp', fsync: 'yes' as never } } },
      'delivery.spool.fsync must be one of',
    ],
    [{ delivery: [] as never }, 'delivery must be an object, got an array'],
    [{ mirrors: { url: 'http://a' } as never }, 'mirrors must be a list of { name, url, protocol, headers'],
    [
      { mirrors: [{ url: 'http://a', dialect: 'phoenix' as never }] },
      'mirrors[0].dialect must be one of otel, datadog, openinference, tencent, langfuse, got "phoenix"',
    ],
    [
      { mirrors: [{ url: 'http://a', contents: 'no' as never }] },
      'mirrors[0].contents must be true or false, got "no"',
    ],
    [{ mirrors: [null as never] }, 'mirrors[0] must be an object, got null'],
    [{ mirrors: [{ url: 'http://a' }, { url: 'b' }] }, 'mirrors[1].url must be an http or https URL'],
    [
      { mirrors: [{ url: 'http://a' }, { url: 'http://a' }] },
      'mirrors[1].name must be unique, and set for each of two mirrors with one URL',
    ],
    [
      { mirrors: [{ url: 'http://a', headers: { 'x y': '1' } }] },
      'mirrors[0].headers["x y"] must have a name',
    ],
    [
      { mirrors: [{ url: 'http://a', headers: { 'x-y': 1 as never } }] },
      'mirrors[0].headers["x-y"] must be a string',
    ],
    [
      { mirrors: [{ url: 'http://a', protocol: 'grpc', headers: { 'a+b': '1' } }] },
      'mirrors[0].headers["a+b"] must have a name and a value that gRPC allows',
    ],
    [
      { exporter: {} as never },
      'exporter must be an object with the methods export and shutdown, got an object',
    ],
    [
      { exporter: { export() {}, shutdown() {}, exportScore: 1 } as never },
      'exporter.exportScore must be a function',
    ],
    [{ sampling: { keepErrors: 'no' as never } }, 'sampling.keepErrors must be true or false, got "no"'],
    [{ sampling: { keep: true as never } }, 'sampling.keep must be a function, got true'],
    [{ sampling: 0.5 as never }, 'sampling must be an object, got 0.5'],
    [{ flush: { intervalMs: 2 ** 31 } }, 'flush.intervalMs must be between 1 and 2147483647'],
    [{ shutdown: { signals: 'no' as never } }, 'shutdown.signals must be true or false, got "no"'],
    [{ inspector: { port: 1.5 } }, 'inspector.port must be an integer from 0 to 65535, got 1.5'],
    [{ inspector: { file: true as never } }, "inspector.file must be a file's path or false, got true"],
    [{ propagateTo: ['a', 'http://b'] }, 'propagateTo[1] must be a RegExp, or a host name'],
    [{ tier: null as never }, 'tier must be one of starter, growth, enterprise, got null'],
    [{ publicKey: '' }, 'publicKey must be a non-empty string, got ""'],
  ]

  it.each(wrong)('%j throws with value and remedy', (options, message) => {
    expect(() => resolveOptions(options, KEYS)).toThrow(
      expect.objectContaining({
        code: 'LANGFUSE_MIDDLEWARE_INVALID_OPTION',
        message: expect.stringContaining(message),
      }),
    )
  })

  it('in a variable names the variable', () => {
    expect(() => resolveOptions({}, { ...KEYS, LANGFUSE_SAMPLE_RATE: 'half' })).toThrow(
      'LANGFUSE_SAMPLE_RATE must be between 0 and 1, got "half" (LANGFUSE_MIDDLEWARE_INVALID_OPTION): see https://',
    )
  })

  it.each([
    [{ sample: 1 }, 'options has no "sample", did you mean "sampling"?'],
    [{ smapling: {} }, 'options has no "smapling", did you mean "sampling"?'],
    [{ color: 1 }, 'options has no "color"; it takes enabled, publicKey'],
    [
      { delivery: { breaker: { failure: 3 } } },
      'delivery.breaker has no "failure", did you mean "failures"?',
    ],
    [{ delivery: { spool: { dir: '/tmp' } } }, 'delivery.spool has no "dir", did you mean "directory"?'],
    [{ mirrors: [{ url: 'http://a', header: {} }] }, 'mirrors[0] has no "header", did you mean "headers"?'],
    [{ buffer: { maxSpans: 1 } }, 'buffer has no "maxSpans", did you mean "maxSpansPerTrace"?'],
    [{ inspector: { link: false } }, 'inspector has no "link", did you mean "links"?'],
  ])('%j names the unknown option and the nearest known one', (options, message) => {
    expect(() => resolveOptions(options as TracingOptions, KEYS)).toThrow(
      expect.objectContaining({
        code: 'LANGFUSE_MIDDLEWARE_UNKNOWN_OPTION',
        message: expect.stringContaining(message),
      }),
    )
  })

  it.each([null, 'growth', []])('%j instead of options throws', options => {
    expect(() => resolveOptions(options as never, KEYS)).toThrow('options must be an object')
  })
})

describe('a variable as a user may have written it', () => {
  it.each([
    ['test:e2e', 'test-e2e', 1],
    ['staging eu', 'staging-eu', 0.5],
    ['Langfuse', 'development', 1],
    ['x'.repeat(50), 'x'.repeat(40), 0.5],
  ])('NODE_ENV %j is corrected to the environment %s, with a warning', (nodeEnv, environment, rate) => {
    const config = resolveOptions({ tier: 'growth' }, { ...KEYS, NODE_ENV: nodeEnv })
    expect(config).toMatchObject({ environment, sampling: { rate } })
    expect(config.corrections).toEqual([expect.stringContaining(`NODE_ENV ${JSON.stringify(nodeEnv)}`)])
  })

  it('is not corrected if it is fit, or another names the environment', () => {
    expect(resolveOptions({}, { ...KEYS, NODE_ENV: 'Production' }).corrections).toEqual([])
    const env = { ...KEYS, NODE_ENV: 'test:e2e', LANGFUSE_TRACING_ENVIRONMENT: 'e2e' }
    expect(resolveOptions({}, env)).toMatchObject({ environment: 'e2e', corrections: [] })
  })

  it.each(['"', "'"])('has the quotes %s around it taken off', quote => {
    const env = {
      LANGFUSE_PUBLIC_KEY: `${quote}pk-lf-1${quote}`,
      LANGFUSE_SECRET_KEY: `${quote}sk-lf-1${quote}`,
    }
    expect(resolveOptions({}, env).destination).toMatchObject({ publicKey: 'pk-lf-1', secretKey: 'sk-lf-1' })
  })

  it('is refused if the keys are swapped, without showing the secret one', () => {
    const env = { LANGFUSE_PUBLIC_KEY: 'sk-lf-hidden', LANGFUSE_SECRET_KEY: 'pk-lf-1' }
    expect(() => resolveOptions({}, env)).toThrow('the Langfuse keys are swapped')
    expect(() => resolveOptions({}, env)).not.toThrow('hidden')
  })
})
