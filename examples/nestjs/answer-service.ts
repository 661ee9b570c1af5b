import { startActiveObservation } from '@langfuse/tracing'
import { Injectable } from '@nestjs/common'

const answers = new Map([
  ['tea', 'Three minutes, at eighty degrees.'],
  ['cups', 'One each, and one to spare.'],
])

/** Answers questions, observed as a model would be; below the request, whichever platform it came through. */
@Injectable()
export class AnswerService {
  answer(topic: string): Promise<string | undefined> {
    return startActiveObservation(
      'answer',
      async generation => {
        generation.update({ model: 'rule-of-thumb', input: topic })
        if (topic === 'everything') throw new TypeError('The model has lost its mind.')
        const answer = answers.get(topic)
        generation.update({ output: answer, usageDetails: { input: 1, output: 6 } })
        return answer
      },
      { asType: 'generation' },
    )
  }
}
