import { type CanActivate, type ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common'

const users = new Map([['Bearer token-of-ada', { id: 'ada' }]])

/** Lets in who has a token. `request.user` is enough for the trace to know the user; nothing here is of tracing. */
@Injectable()
export class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest()
    request.user = users.get(request.headers.authorization)
    if (!request.user) throw new UnauthorizedException()
    return true
  }
}
