import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Logger } from "../../kernel/log.ts";
import { StartError } from "../../kernel/start-error.ts";
import { nameCovers, readCertificate } from "./certificate-names.ts";
import { TLS_FLOOR } from "./tls-floor.ts";

export interface CertificateFilesOptions {
  /** As many as keys, in the same order; the first is shown to clients that name no host. */
  readonly certPaths: readonly string[];
  readonly keyPaths: readonly string[];
  readonly log: Logger;
}

interface Loaded {
  readonly names: readonly string[];
  readonly context: SecureContext;
  readonly cert: string;
  readonly key: string;
  readonly notAfterMs: number;
}

/** Certificates that the operator keeps as files: read at start, and again when a file changes. */
export interface CertificateFiles {
  /** The certificate for a host, else undefined. */
  find(hostname: string): SecureContext | undefined;
  /** The one for clients that name no host, or none that we know. */
  readonly first: { readonly cert: string; readonly key: string };
  /**
   * Reads what changed; files that do not belong together, or are half written, leave what is in force.
   *
   * @returns true when something new is in force
   */
  reload(): boolean;
}

/** @throws StartError naming the file that cannot be used */
export function openCertificateFiles(options: CertificateFilesOptions): CertificateFiles {
  const pairs = options.certPaths.map((certPath, index) => ({ certPath, keyPath: options.keyPaths[index] ?? "" }));
  let seen = stampOf(options);
  let loaded = pairs.map(load);

  return {
    find: (hostname) => loaded.find(({ names }) => names.some((name) => nameCovers(name, hostname)))?.context,
    get first() {
      const [first] = loaded;
      if (first === undefined) throw new StartError("AEROSTACK_TLS_CERT names no file.");
      return first;
    },
    reload() {
      const stamp = stampOf(options);
      if (stamp === seen) return false;
      try {
        loaded = pairs.map(load);
      } catch (err) {
        options.log.error({ err }, "changed certificate files cannot be used; the ones read before stay in force");
        return false;
      }
      seen = stamp;
      for (const { names, notAfterMs } of loaded) {
        options.log.info({ names, notAfter: new Date(notAfterMs).toISOString() }, "certificate read from files");
      }
      return true;
    },
  };
}

function load({ certPath, keyPath }: { readonly certPath: string; readonly keyPath: string }): Loaded {
  const cert = read("AEROSTACK_TLS_CERT", certPath);
  const key = read("AEROSTACK_TLS_KEY", keyPath);
  try {
    const { names, notAfterMs } = readCertificate(cert);
    return { names, notAfterMs, cert, key, context: createSecureContext({ cert, key, ...TLS_FLOOR }) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "unreadable";
    throw new StartError(
      `AEROSTACK_TLS_CERT: ${certPath} and ${keyPath} are no certificate with its key (${reason}).`,
      {
        cause,
      },
    );
  }
}

function read(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new StartError(`${variable}: ${path} cannot be read.`, { cause });
  }
}

/** Changes whenever a file does, a link that now leads elsewhere included. */
function stampOf({ certPaths, keyPaths }: CertificateFilesOptions): string {
  return [...certPaths, ...keyPaths]
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? "missing" : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
    })
    .join(" ");
}
