import { X509Certificate } from "node:crypto";

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Host names in lower case, `*.example.com` among them. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** @param pem a chain, the server's own certificate first. @throws when it is no certificate */
export function readCertificate(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  const names = [...(certificate.subjectAltName ?? "").matchAll(/DNS:([^,\s"]+)/g)].map(([, name = ""]) =>
    name.toLowerCase(),
  );
  return {
    names,
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

/** Whether a name of a certificate is good for a host: itself, or any one label in front of what follows `*.` (RFC 6125). */
export function nameCovers(name: string, hostname: string): boolean {
  if (name === hostname) return true;
  if (!name.startsWith("*.")) return false;
  const dot = hostname.indexOf(".");
  return dot > 0 && hostname.slice(dot) === name.slice(1);
}
