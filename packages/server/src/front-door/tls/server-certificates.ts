import type { SecureContext } from "node:tls";
import type { CertificateFiles } from "./certificate-files.ts";

/** What the TLS listener asks for a certificate. */
export interface ServerCertificates {
  /** The certificate of a host that a client names (SNI); null: the listener's own default. */
  find(hostname: string): SecureContext | null | Promise<SecureContext | null>;
  /** The default at start; null: there is none yet, and clients that name no host are refused. */
  initial(): { readonly cert: string; readonly key: string } | null;
  /** Called with a new default. */
  onChange(handler: (pair: { readonly cert: string; readonly key: string }) => void): void;
}

export interface ServerCertificatesOptions {
  readonly files: CertificateFiles | undefined;
  /** Certificates that were obtained by ACME. */
  readonly issued: ((hostname: string) => SecureContext | null | Promise<SecureContext | null>) | undefined;
  /** The host that clients without SNI are shown the certificate of, where there are no files. */
  readonly defaultHost: string | undefined;
}

/** How soon a changed file is seen. */
const RELOAD_INTERVAL_MS = 10_000;
const HOSTNAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** The operator's files first, then what ACME obtained: whoever sets a certificate by hand means it. */
export function createServerCertificates({ files, issued, defaultHost }: ServerCertificatesOptions) {
  const handlers: ((pair: { readonly cert: string; readonly key: string }) => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  function reload(): void {
    if (files?.reload() === true) for (const handler of handlers) handler(files.first);
  }

  const certificates: ServerCertificates = {
    find(hostname) {
      const name = hostname.toLowerCase();
      const own = files?.find(name);
      if (own !== undefined) return own;
      if (issued === undefined) return null;
      const asked = HOSTNAME.test(name) ? issued(name) : null;
      if (files !== undefined || defaultHost === undefined || name === defaultHost) return asked;
      return Promise.resolve(asked).then((found) => found ?? issued(defaultHost));
    },
    initial: () => files?.first ?? null,
    onChange: (handler) => void handlers.push(handler),
  };
  return {
    ...certificates,
    /** Looks at the files now. */
    reload,
    start(): void {
      timer = setInterval(reload, RELOAD_INTERVAL_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}
