// For tests only: Let's Encrypt's own test authority, where it is installed (`apt-get install pebble`).
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate, writePair } from "../tls/testing.ts";

export const hasPebble =
  spawnSync("pebble", ["-h"]).error === undefined && spawnSync("pebble-challtestsrv", ["-h"]).error === undefined;

export interface Pebble {
  readonly directoryUrl: string;
  /** PEM of what its own address is trusted by. */
  readonly ca: string;
  /** Port on which it looks for proofs, whatever the host: every name leads to 127.0.0.1. */
  readonly proofPort: number;
  close(): void;
}

const ATTEMPTS = 100;

async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer();
      await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
      const address = probe.address();
      return { probe, port: typeof address === "object" && address !== null ? address.port : 0 };
    }),
  );
  await Promise.all(probes.map(({ probe }) => new Promise((resolve) => probe.close(resolve))));
  return probes.map(({ port }) => port);
}

export async function startPebble(): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-pebble-"));
  const pair = makeCertificate(["localhost", "127.0.0.1"]);
  const { certPath, keyPath } = writePair(folder, "pebble", pair);
  const [port = 0, management = 0, dns = 0, control = 0, proofPort = 0, tlsPort = 0] = await freePorts(6);
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: certPath,
      privateKey: keyPath,
      httpPort: proofPort,
      tlsPort,
      ocspResponderURL: "",
      externalAccountBindingRequired: false,
    },
  };
  const configPath = join(folder, "pebble.json");
  writeFileSync(configPath, JSON.stringify(config));
  const children: ChildProcess[] = [
    spawn(
      "pebble-challtestsrv",
      ["-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-dns01", `127.0.0.1:${dns}`].concat([
        "-management",
        `127.0.0.1:${control}`,
        "-http01",
        "",
        "-https01",
        "",
        "-tlsalpn01",
        "",
      ]),
      { stdio: "ignore" },
    ),
    spawn("pebble", ["-config", configPath, "-dnsserver", `127.0.0.1:${dns}`], {
      stdio: "ignore",
      env: { PATH: process.env.PATH ?? "", PEBBLE_VA_NOSLEEP: "1" },
    }),
  ];
  const directoryUrl = `https://127.0.0.1:${port}/dir`;
  const agent = new Agent({ ca: pair.cert });
  for (let attempt = 0; ; attempt++) {
    const isThere = await new Promise<boolean>((resolve) => {
      get(directoryUrl, { agent }, (answer) => resolve(answer.resume().statusCode === 200)).once("error", () =>
        resolve(false),
      );
    });
    if (isThere) break;
    if (attempt === ATTEMPTS) throw new Error("pebble does not answer");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    directoryUrl,
    ca: pair.cert,
    proofPort,
    close() {
      for (const child of children) child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
