import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { type Config, endsTls } from "../../kernel/config.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { createCertificates } from "../acme/certificates.ts";
import { createOrderCertificate } from "../acme/order-certificate.ts";
import { openCertificateFiles } from "./certificate-files.ts";
import { createServerCertificates } from "./server-certificates.ts";

export interface TlsOptions {
  readonly config: Config;
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly envelope: Envelope;
  readonly log: Logger;
}

/** Everything about certificates: the operator's files, and what ACME obtains. */
export async function createTls({ config, sql, clock, changes, envelope, log }: TlsOptions) {
  const { tlsCert: certPaths, tlsKey: keyPaths, acmeDirectory: directoryUrl } = config;
  const order =
    directoryUrl === undefined
      ? undefined
      : createOrderCertificate({ sql, envelope, now: () => clock.now(), directoryUrl, email: config.acmeEmail });
  const certificates = createCertificates({ sql, clock, changes, envelope, order, log });
  const ownHost = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).hostname;
  const files =
    certPaths === undefined || keyPaths === undefined ? undefined : openCertificateFiles({ certPaths, keyPaths, log });
  const server = createServerCertificates({
    files,
    issued: order === undefined ? undefined : certificates.contextFor,
    defaultHost: ownHost,
  });
  const isOwnHostCovered = ownHost === undefined || files?.find(ownHost) !== undefined;
  if (order !== undefined && ownHost !== undefined && !isOwnHostCovered) await certificates.ensure(ownHost);
  return {
    certificates,
    /** For the listener; undefined where TLS ends elsewhere. */
    server: endsTls(config) ? server : undefined,
    start(): void {
      server.start();
      certificates.start();
    },
    async stop(): Promise<void> {
      server.stop();
      await certificates.stop();
    },
  };
}
