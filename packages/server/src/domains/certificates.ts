/** What there is of a certificate. */
export interface DomainCertificate {
  readonly status: "pending" | "valid" | "failing";
  readonly lastError: string | null;
}

/** Whoever gets certificates for hostnames; where a proxy in front ends TLS there is nobody. */
export interface DomainCertificates {
  /** From now on the name is served with a certificate. Returns at once; the certificate follows. */
  ensure(hostname: string): Promise<unknown>;
  /** Null: nobody asked for one. */
  state(hostname: string): Promise<DomainCertificate | null>;
  remove(hostname: string): Promise<void>;
}
