/** Names under which OpenTelemetry's and OpenInference's conventions, the AI SDK and OpenLLMetry record what was asked and answered. */
export const CONTENT: RegExp =
  /^(gen_ai\.(input|output|prompt|completion|system_instructions|tool\.(call|definitions))|ai\.(prompt|result|toolCall|response\.(text|object|reasoning|toolCalls|files|sources))|(input|output)\.value$|llm\.(input_messages|output_messages|prompts)|traceloop\.entity\.(input|output)|content$|message\.content|exception\.(message|stacktrace)$)/
