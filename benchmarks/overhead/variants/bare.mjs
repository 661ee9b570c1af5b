export default function bare() {
  return { generate: (_input, think) => think(), flush: async () => {} }
}
