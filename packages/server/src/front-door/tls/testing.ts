// For tests only: certificates of an authority that nobody trusts.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Signed by itself; good for these names. */
export function makeCertificate(names: readonly [string, ...string[]], days = 30): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-cert-"));
  try {
    const [certPath, keyPath] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const alternative = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(",");
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyPath, "-out"]
        .concat([certPath, "-days", String(days), "-subj", `/CN=${names[0].replace("*", "any")}`])
        .concat(["-addext", `subjectAltName=${alternative}`]),
      { stdio: "ignore" },
    );
    return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a pair as files that the server can be pointed at. */
export function writePair(folder: string, name: string, pair: TestCertificate) {
  const paths = { certPath: join(folder, `${name}.pem`), keyPath: join(folder, `${name}.key`) };
  writeFileSync(paths.certPath, pair.cert);
  writeFileSync(paths.keyPath, pair.key);
  return paths;
}
