/** Private hosts that functions may reach after all: the platform itself and what the operator names. */
export interface AllowedHosts {
  /** @param host lower case, without brackets; `port` always given */
  allows(host: string, port: number): boolean;
  /** Whether it is the platform that is reached there. */
  isPlatform(url: URL): boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Host and port of a URL, as they are compared and connected to. */
export function hostAndPort(url: URL): { host: string; port: number } {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return { host, port: url.port === "" ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port) };
}

/**
 * @param platformOrigin such as `http://127.0.0.1:8787`
 * @param entries `host:port`, `[v6]:port`, or `*.name:port` for every name below
 */
export function createAllowedHosts(platformOrigin: string, entries: readonly string[]): AllowedHosts {
  const exact = new Set<string>();
  const suffixes: { suffix: string; port: number }[] = [];
  const platform = hostAndPort(new URL(platformOrigin));
  exact.add(`${platform.host}:${platform.port}`);
  for (const entry of entries) {
    const match = /^(\*\.)?(.+):(\d{1,5})$/.exec(entry);
    if (match === null) throw new Error(`'${entry}' is not of the form host:port.`);
    const [, wildcard, name = "", port = ""] = match;
    const host = name.replace(/^\[|\]$/g, "").toLowerCase();
    if (wildcard === undefined) exact.add(`${host}:${Number(port)}`);
    else suffixes.push({ suffix: `.${host}`, port: Number(port) });
  }
  return {
    isPlatform(url) {
      const { host, port } = hostAndPort(url);
      return host === platform.host && port === platform.port;
    },
    allows: (host, port) =>
      exact.has(`${host}:${port}`) || suffixes.some((one) => one.port === port && host.endsWith(one.suffix)),
  };
}
