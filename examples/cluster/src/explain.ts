/** What the reader can do about an error, where that is known. */
export function explain(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return error
  return `There is no redis-server on the PATH. Install it, or say where it is (REDIS_SERVER), or where a Redis runs (REDIS_URL), or
share a file: npm run cluster -- --sqlite`
}
