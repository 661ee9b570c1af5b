/** An error that reaches the client in OpenAI's format. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {{ type?: string, code?: string, headers?: Record<string, string> }} [details]
   */
  constructor(status, message, { type = 'invalid_request_error', code, headers = {} } = {}) {
    super(message)
    this.status = status
    this.headers = headers
    this.body = { error: { message, type, param: null, code: code ?? null } }
  }
}
