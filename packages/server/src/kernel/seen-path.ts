/**
 * The path of a request as a program behind will see it: those parse it as a URL, which resolves dot segments, plain or
 * escaped, and turns backslashes. A target with a host of its own (RFC 9112, 3.2.2) loses it.
 */
export function seenPath(url: string): string {
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  if (path.startsWith("/") && !/\/\.|%2e|\\|\/\//i.test(path)) return path;
  const whole = path.startsWith("/") ? `http://host${path}` : path;
  return URL.canParse(whole) ? new URL(whole).pathname : path;
}
