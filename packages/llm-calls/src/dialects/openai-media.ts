import { openaiUsage } from '../answer/usage.ts'
import { items } from '../wire/json.ts'
import type { Dialect, Operation } from './dialect.ts'
import { modelName, parametersOf } from './parameters.ts'

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'images/generations': 'image_generation',
  'images/edits': 'image_generation',
  'images/variations': 'image_generation',
  'audio/speech': 'speech',
  'audio/transcriptions': 'transcription',
  'audio/translations': 'transcription',
}

/** OpenAI's images and audio: model, parameters and usage, no contents. */
export const openaiMedia: Dialect = {
  name: 'openai-media',
  provider: 'openai',
  path: /(?:\/deployments\/(?<deployment>[^/]+))?\/(?<kind>images\/(?:generations|edits|variations)|audio\/(?:speech|transcriptions|translations))$/,
  request(body, { deployment, kind = '' }) {
    const model = modelName(body.model) ?? modelName(deployment)
    const operation = OPERATIONS[kind]
    // Images have a default model.
    if (operation === undefined || (model === undefined && typeof body.prompt !== 'string')) return undefined
    return { operation, model, parameters: parametersOf(body), input: undefined }
  },
  recognises: ({ type, data }) =>
    /^(?:transcript|speech|image_generation|image_edit)\./.test(String(type)) ||
    items(data).some(item => item.b64_json !== undefined),
  response(data, answer) {
    answer.state({ model: data.model })
    const images = items(data.data)
    if (images.length > 0) answer.figure('images', images.length)
    if (data.usage) answer.usage(data.usage, openaiUsage)
  },
}
