const SNAPSHOT = /^[-@:](?:\d{3,}|latest|preview|v\d)/

/** True if two names may stand for one model: with or without a provider's prefix, a date or a version. */
export function isSameModel(left: string, right: string): boolean {
  const [short, long] = [bare(left), bare(right)].sort((one, other) => one.length - other.length) as [
    string,
    string,
  ]
  return long === short || (long.startsWith(short) && SNAPSHOT.test(long.slice(short.length)))
}

function bare(name: string): string {
  return name.toLowerCase().slice(name.lastIndexOf('/') + 1)
}
