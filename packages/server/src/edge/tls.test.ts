import { execFile } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { request as requestSecurely } from "node:https";
import { type AddressInfo, connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer as createWeakServer, type PeerCertificate } from "node:tls";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { type CertificateFiles, openCertificateFiles } from "../front-door/tls/certificate-files.ts";
import { createServerCertificates } from "../front-door/tls/server-certificates.ts";
import { makeCertificate, writePair } from "../front-door/tls/testing.ts";
import { createLogger } from "../kernel/log.ts";
import type { AppEnv } from "./app-env.ts";
import { listen } from "./http-server.ts";
import { listenPlain } from "./plain-http.ts";

const log = createLogger({ level: "silent" });
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "aerostack-tls-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function serve(files: CertificateFiles) {
  const app = new Hono<AppEnv>();
  app.get("*", (c) => c.text("hello"));
  const certificates = createServerCertificates({ files, issued: undefined, defaultHost: undefined });
  const server = await listen({ app, host: "127.0.0.1", port: 0, tls: certificates });
  cleanups.push(() => server.close(0));
  return { port: server.port, certificates };
}

function filesOf(...pairs: { certPath: string; keyPath: string }[]): CertificateFiles {
  return openCertificateFiles({
    certPaths: pairs.map(({ certPath }) => certPath),
    keyPaths: pairs.map(({ keyPath }) => keyPath),
    log,
  });
}

/** What `openssl s_client` says of a handshake in one version of the protocol. */
async function handshake(
  port: number,
  version: string,
  ciphers = "DEFAULT@SECLEVEL=0",
): Promise<{ ok: boolean; text: string }> {
  return await new Promise((resolve) => {
    const args = ["s_client", "-connect", `127.0.0.1:${port}`, version, "-cipher", ciphers];
    const child = execFile("openssl", args, (_error, stdout, stderr) => {
      const text = stdout + stderr;
      resolve({ ok: /Cipher is (?!\(NONE\))/.test(text), text });
    });
    child.stdin?.end();
  });
}

async function shownTo(port: number, servername: string | undefined): Promise<PeerCertificate> {
  return await new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", rejectUnauthorized: false };
    const socket = connect({ ...options, ...(servername === undefined ? {} : { servername }) }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

describe("TLS that the server ends itself", () => {
  it("P28 refuses TLS 1.0 and 1.1 of a client that offers them, and takes 1.2 and 1.3", async () => {
    const pair = makeCertificate(["shop.example.com"]);
    const { port } = await serve(filesOf(writePair(folder(), "shop", pair)));
    const weak = createWeakServer({
      ...pair,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    }).listen(0, "127.0.0.1");
    cleanups.push(() => weak.close());
    weak.on("secureConnection", (socket) => socket.end());
    weak.on("tlsClientError", () => undefined);
    await new Promise((resolve) => weak.once("listening", resolve));
    // The client really offers the old versions: a server that takes them gets them.
    for (const version of ["-tls1", "-tls1_1"]) {
      expect((await handshake((weak.address() as AddressInfo).port, version)).ok, version).toBe(true);
      const refused = await handshake(port, version);
      expect(refused.ok, version).toBe(false);
      expect(refused.text).toMatch(/alert protocol version|unsupported protocol/);
    }
    for (const version of ["-tls1_2", "-tls1_3"]) expect((await handshake(port, version)).ok, version).toBe(true);
    const withoutAead = await handshake(port, "-tls1_2", "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384");
    expect([withoutAead.ok, /alert handshake failure/.test(withoutAead.text)]).toEqual([false, true]);
  });

  it("shows each host the certificate that names it, by wildcard too, and others the first", async () => {
    const where = folder();
    const { port } = await serve(
      filesOf(
        writePair(where, "shop", makeCertificate(["shop.example.com"])),
        writePair(where, "functions", makeCertificate(["*.functions.example.com", "functions.example.com"])),
      ),
    );
    const nameOf = async (servername: string | undefined) => (await shownTo(port, servername)).subjectaltname;
    expect(await nameOf("shop.example.com")).toBe("DNS:shop.example.com");
    expect(await nameOf("SHOP.example.COM")).toBe("DNS:shop.example.com");
    expect(await nameOf("a.functions.example.com")).toMatch(/^DNS:\*\.functions/);
    expect(await nameOf("a.b.functions.example.com")).toBe("DNS:shop.example.com");
    expect(await nameOf("elsewhere.example")).toBe("DNS:shop.example.com");
    expect(await nameOf(undefined)).toBe("DNS:shop.example.com");
  });

  it("takes changed files into use without a restart, and never files that do not belong together", async () => {
    const where = folder();
    const first = makeCertificate(["shop.example.com"]);
    const paths = writePair(where, "shop", first);
    const { port, certificates } = await serve(filesOf(paths));
    const before = (await shownTo(port, "shop.example.com")).fingerprint256;
    const second = makeCertificate(["shop.example.com"]);
    writeFileSync(join(where, "next.pem"), second.cert);
    renameSync(join(where, "next.pem"), paths.certPath);
    certificates.reload();
    expect((await shownTo(port, "shop.example.com")).fingerprint256).toBe(before);
    writeFileSync(paths.keyPath, second.key);
    certificates.reload();
    const after = (await shownTo(port, "shop.example.com")).fingerprint256;
    expect(after).not.toBe(before);
    expect((await shownTo(port, undefined)).fingerprint256).toBe(after);
    rmSync(paths.keyPath);
    certificates.reload();
    expect((await shownTo(port, "shop.example.com")).fingerprint256).toBe(after);
  });

  it("does not start with files that are missing, or no certificate with its key", () => {
    const where = folder();
    const pair = writePair(where, "shop", makeCertificate(["shop.example.com"]));
    const other = writePair(where, "other", makeCertificate(["other.example.com"]));
    expect(() => filesOf({ ...pair, keyPath: join(where, "none.key") })).toThrow(/AEROSTACK_TLS_KEY: .*none\.key/);
    expect(() => filesOf({ ...pair, keyPath: other.keyPath })).toThrow(/no certificate with its key/);
    expect(() => filesOf({ ...pair, certPath: pair.keyPath })).toThrow(/no certificate with its key/);
  });

  it("P28 tells browsers to come by HTTPS in every answer, streams, and switches protocols", async () => {
    const files = filesOf(writePair(folder(), "shop", makeCertificate(["shop.example.com"])));
    const app = new Hono<AppEnv>();
    app.get("*", (c) => c.text("page"));
    const server = await listen({
      app,
      host: "127.0.0.1",
      port: 0,
      tls: createServerCertificates({ files, issued: undefined, defaultHost: undefined }),
      sendsHsts: true,
      onRequest(req, res) {
        if (req.url !== "/stream") return false;
        res.writeHead(200, ["content-type", "text/event-stream"]);
        res.write("first\n");
        // The rest follows when the client says that it has the beginning.
        req.on("data", () => res.end("last\n"));
        return true;
      },
      onUpgrade(_req, socket) {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        socket.pipe(socket);
        return true;
      },
    });
    cleanups.push(() => server.close(0));
    const options = { port: server.port, host: "127.0.0.1", rejectUnauthorized: false, agent: false } as const;
    const hsts = await new Promise((resolve, reject) => {
      requestSecurely({ ...options, path: "/" }, (answer) => {
        answer.resume();
        resolve(answer.headers["strict-transport-security"]);
      })
        .once("error", reject)
        .end();
    });
    expect(hsts).toBe("max-age=31536000");
    const streamed = await new Promise<string>((resolve, reject) => {
      const sent = requestSecurely({ ...options, path: "/stream", method: "POST" }, (answer) => {
        let text = `${answer.headers["strict-transport-security"]}\n`;
        answer.on("data", (chunk) => {
          text += chunk;
          if (text.endsWith("first\n")) sent.end("go on");
        });
        answer.on("end", () => resolve(text));
      });
      sent.once("error", reject);
      sent.flushHeaders();
    });
    expect(streamed).toBe("max-age=31536000\nfirst\nlast\n");
    const echoed = await new Promise<string>((resolve, reject) => {
      const sent = requestSecurely({ ...options, headers: { connection: "Upgrade", upgrade: "echo" } });
      sent.once("upgrade", (_answer, socket) => {
        socket.once("data", (chunk) => {
          socket.destroy();
          resolve(String(chunk));
        });
        socket.write("over TLS");
      });
      sent.once("error", reject);
      sent.end();
    });
    expect(echoed).toBe("over TLS");
  });

  it("gives up a connection that never ends its handshake, and serves others meanwhile", async () => {
    const { port } = await serve(filesOf(writePair(folder(), "shop", makeCertificate(["shop.example.com"]))));
    const hung = connectPlain(port, "127.0.0.1").on("error", () => undefined);
    await new Promise((resolve) => hung.once("connect", resolve));
    hung.write(Buffer.from([0x16, 0x03, 0x01]));
    expect((await shownTo(port, "shop.example.com")).subject.CN).toBe("shop.example.com");
    hung.destroy();
  });
});

describe("the plain port", () => {
  async function ask(port: number, path: string, options: { method?: string; host?: string } = {}) {
    return await new Promise<{ status: number; location: string | undefined; body: string }>((resolve, reject) => {
      const sent = request(
        {
          port,
          host: "127.0.0.1",
          path,
          method: options.method ?? "GET",
          headers: { host: options.host ?? "shop.example.com" },
        },
        (answer) => {
          let body = "";
          answer.on("data", (chunk) => {
            body += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, body }));
        },
      );
      sent.once("error", reject);
      sent.end(options.method === "POST" ? "x" : undefined);
    });
  }

  it("P28 sends readers to HTTPS, refuses what carries data, and answers an authority's proofs", async () => {
    const plain = await listenPlain({
      host: "127.0.0.1",
      port: 0,
      httpsPort: 443,
      answerChallenge: async (token) => (token === "known-token-000000" ? "known-token-000000.thumb" : null),
    });
    cleanups.push(() => plain.close());
    expect(await ask(plain.port, "/f/shop/hello?x=1")).toMatchObject({
      status: 308,
      location: "https://shop.example.com/f/shop/hello?x=1",
    });
    expect(await ask(plain.port, "/x", { host: "Shop.example.com:80" })).toMatchObject({
      location: "https://shop.example.com/x",
    });
    expect((await ask(plain.port, "/api/auth/login", { method: "POST" })).status).toBe(403);
    expect(await ask(plain.port, "/.well-known/acme-challenge/known-token-000000")).toMatchObject({
      status: 200,
      body: "known-token-000000.thumb",
    });
    expect((await ask(plain.port, "/.well-known/acme-challenge/other")).status).toBe(404);
  });

  it("sends nobody elsewhere, whatever the Host header and the path say", async () => {
    const plain = await listenPlain({ host: "127.0.0.1", port: 0, httpsPort: 8443, answerChallenge: async () => null });
    cleanups.push(() => plain.close());
    for (const host of [
      "evil.example/@shop",
      "user@evil.example",
      "a b",
      "evil.example#",
      "[::1",
      "-",
      "a\tb",
      "x:99999999",
    ]) {
      const answer = await ask(plain.port, "/", { host });
      expect([host, answer.status, answer.location]).toEqual([host, 400, undefined]);
    }
    expect((await ask(plain.port, "//evil.example/x")).location).toBe("https://shop.example.com:8443//evil.example/x");
    expect((await ask(plain.port, "http://evil.example/x")).status).toBe(400);
  });
});
