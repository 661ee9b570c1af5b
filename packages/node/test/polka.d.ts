// polka 0.5 has no types, and those of DefinitelyTyped import Express's.
declare module 'polka' {
  import type { RequestListener } from 'node:http'

  type Handler = (...args: Parameters<RequestListener>) => unknown
  type Middleware = (...args: [...Parameters<RequestListener>, next: (error?: unknown) => void]) => unknown

  export default function polka(options?: object): {
    use(middleware: Middleware): void
    get(path: string, handler: Middleware): void
    readonly handler: Handler
  }
}
