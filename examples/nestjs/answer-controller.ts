import { Controller, Get, Inject, NotFoundException, Param, UseGuards } from '@nestjs/common'
import { AnswerService } from './answer-service.ts'
import { TokenGuard } from './token-guard.ts'

@Controller('answers')
@UseGuards(TokenGuard)
export class AnswerController {
  constructor(@Inject(AnswerService) private readonly answers: AnswerService) {}

  @Get(':topic')
  async find(@Param('topic') topic: string): Promise<{ answer: string }> {
    const answer = await this.answers.answer(topic)
    if (answer === undefined) throw new NotFoundException(`Nothing is known about ${topic}.`)
    return { answer }
  }
}
