import { styleText } from 'node:util'
import { formatTrace } from '@langfuse-middleware/inspector'
import { servicesOf, tracesOf } from './trace-check.mjs'

/**
 * @typedef {import('@langfuse-middleware/inspector').Trace} Trace
 * @typedef {import('./trace-check.mjs').Sent} Sent
 */

/** @type {Record<import('@langfuse-middleware/inspector').Level, Parameters<typeof styleText>[0]>} */
const styles = { DEBUG: 'dim', DEFAULT: 'reset', WARNING: 'yellow', ERROR: 'red' }

/**
 * What the demo shows, for a terminal of this width and with or without colours.
 * @param {NodeJS.WriteStream} stream
 */
export function createScreen(stream) {
  const colour = styleText('red', 'x', { stream, validateStream: true }) !== 'x'
  const width = Math.min(stream.columns ?? 100, 120)

  /** @param {Parameters<typeof styleText>[0]} style @param {string} text */
  const paint = (style, text) => (colour && text ? styleText(style, text, { validateStream: false }) : text)
  const write = (/** @type {string[]} */ ...lines) => stream.write(`${lines.join('\n')}\n`)

  return {
    write,
    note: (/** @type {string} */ text) => write(paint('dim', text)),
    heading: (/** @type {string} */ text) => write('', paint('bold', text)),

    /** @param {string} name @param {string} value @param {string} [remark] */
    fact: (name, value, remark = '') =>
      write(`  ${name.padEnd(14)}${paint('cyan', value)}${paint('dim', remark && `   ${remark}`)}`),

    /** @param {Sent[]} alike - all of one scenario */
    requests(alike) {
      const { title } = /** @type {Sent} */ (alike[0]).scenario
      write('', `${paint('bold', title)}   ${paint('dim', `${requestOf(alike)} → ${statusOf(alike)}`)}`)
    },

    /** @param {Trace} trace */
    trace(trace) {
      write(formatTrace(trace, { colour, width }))
      const services = servicesOf(trace)
      if (services.length > 1) write(paint('dim', `   one trace, from ${services.join(' and ')}`))
    },

    /** @param {string[]} problems */
    problems(problems) {
      for (const problem of problems) write(paint('red', `  ✖ ${problem}`))
    },

    /**
     * One line for each trace, and for all requests of a scenario that left none.
     * @param {Sent[]} sent
     * @param {Trace[]} traces
     */
    table(sent, traces) {
      const idWidth = width >= 96 ? 32 : 8
      const nameWidth = width - idWidth - 39
      const row = (
        /** @type {string[]} */ ...[request = '', outcome = '', observed = '', tokens = '', id = '']
      ) =>
        [fit(request, nameWidth), fit(outcome, 18), observed.padStart(8), tokens.padStart(7), ` ${id}`].join(
          ' ',
        )
      write(paint('dim', row('request', 'outcome', 'observed', 'tokens', 'trace')))
      for (const scenario of new Set(sent.map(one => one.scenario))) {
        const alike = sent.filter(one => one.scenario === scenario)
        const untraced = alike.filter(one => tracesOf(one, traces).length === 0)
        if (untraced.length > 0) write(row(requestOf(untraced), statusOf(untraced), '', '', 'none'))
        for (const trace of alike.flatMap(one => tracesOf(one, traces))) {
          const { name, level, observations, totals, id } = trace
          const counts = [observations.length, totals.tokens.total || ''].map(String)
          write(paint(styles[level], row(name, outcomeOf(trace), ...counts, id.slice(0, idWidth))))
        }
      }
    },

    /**
     * What sampling made of the requests to the app that keeps failures only.
     * @param {Sent[]} sent
     * @param {Trace[]} traces
     */
    sampling(sent, traces) {
      const kept = sent.flatMap(one => tracesOf(one, traces))
      const failed = kept.length === 1 && kept[0]?.level === 'ERROR'
      const verdict = `${sent.length - kept.length} sampled out, ${kept.length} kept${failed ? ', because it failed' : ''}`
      write('', `Of ${sent.length} requests at a sample rate of 0: ${verdict}.`)
    },

    /** @param {Trace[]} traces @param {string[]} problems */
    verdict(traces, problems) {
      const observations = traces.reduce((sum, trace) => sum + trace.observations.length, 0)
      write('')
      if (problems.length === 0) {
        write(
          paint('green', `✔ All ${traces.length} traces arrived whole, with ${observations} observations.`),
        )
      } else {
        write(
          paint(
            'red',
            `✖ Not all is as it should be: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
          ),
        )
        this.problems(problems)
      }
    },

    /**
     * @param {{ urls: { chat: string, rag: string, traces: string }, realLangfuse: boolean }} stage
     * @param {boolean} isOpen - in a browser
     */
    invitation({ urls, realLangfuse }, isOpen) {
      write(
        '',
        paint('bold', 'Your turn'),
        `The traces are at ${paint('cyan', urls.traces)}${isOpen ? ', which opens in your browser' : ''}.`,
        `Every request you send shows up there${realLangfuse ? '' : ' and here'}, a second or two later:`,
        '',
        `  curl ${urls.chat}/chat -H 'content-type: application/json' \\`,
        `    -H 'authorization: Bearer token-of-ada' -d '{ "message": "Hello there" }'`,
        '',
        `  curl -N ${urls.rag}/ask/stream -H 'content-type: application/json' \\`,
        `    -H 'x-user-id: alan' -d '{ "question": "When is an invoice due?" }'`,
        '',
        'How it is done: examples/chat-express/app.mjs and examples/rag-fastify/app.mjs.',
        'Ctrl-C ends everything.',
        '',
      )
    },
  }
}

/** @param {Sent[]} alike */
function requestOf(alike) {
  const request = alike[0]?.scenario.request ?? ''
  return alike.length > 1 ? `${alike.length} × ${request}` : request
}

/** @param {Sent[]} alike */
function statusOf(alike) {
  return [...new Set(alike.map(({ status }) => status))].join(', ')
}

/** @param {Trace} trace */
function outcomeOf({ statusCode, metadata: { end } }) {
  return `${statusCode ?? 'no answer'} ${end === 'completed' ? '' : String(end).replaceAll('_', ' ')}`
}

/** @param {string} text @param {number} width */
function fit(text, width) {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}
