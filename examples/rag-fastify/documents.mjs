/** @typedef {{ id: string, text: string }} Document */

/**
 * What the shop tells its customers. A real app keeps this in a vector database.
 * @type {Document[]}
 */
export const documents = [
  {
    id: 'refunds',
    text: 'You may return anything within 30 days. A refund reaches your account within five working days after the parcel came back.',
  },
  {
    id: 'shipping',
    text: 'Parcels leave the warehouse on the day of the order. Delivery takes two days in Europe and six days elsewhere.',
  },
  {
    id: 'teapots',
    text: 'Our teapots are made of stoneware. They survive the dishwasher, but not a fall from the table.',
  },
  {
    id: 'warranty',
    text: 'Every product has a warranty of two years. Broken handles are replaced without questions.',
  },
  {
    id: 'payment',
    text: 'We accept cards, bank transfer and invoice. An invoice is due within 14 days.',
  },
  {
    id: 'support',
    text: 'Support answers on weekdays from nine to five. Write to us at any time, and we answer the next morning.',
  },
]
