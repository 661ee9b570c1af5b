import { EventEmitter, once } from 'node:events'

/** @typedef {{ headers: Record<string, unknown>, body: any }} Message */

/** A queue in this process, in place of Kafka, SQS or BullMQ: all it has in common with them is that messages have headers. */
export function createMessageQueue() {
  /** @type {Message[]} */
  const messages = []
  const arrivals = new EventEmitter()

  return {
    /** @param {Message} message */
    send(message) {
      // What goes through a broker is bytes, and so is what comes out.
      messages.push(JSON.parse(JSON.stringify(message)))
      arrivals.emit('message')
    },

    /** @returns {AsyncGenerator<Message>} */
    async *receive() {
      while (true) {
        const message = messages.shift()
        if (message) yield message
        else await once(arrivals, 'message')
      }
    },
  }
}
