/** A function's address as a browser needs it: relative links of a page resolve below it, so it ends in a slash. */
export function browserAddress(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}
