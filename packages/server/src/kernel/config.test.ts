import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "./config.ts";

function problemsOf(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("loadConfig", () => {
  it("starts from defaults alone", () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      port: 8787,
      host: "127.0.0.1",
      functionsDomain: "localhost",
      functionWallMs: 30_000,
    });
    expect(config.dataDir).toMatch(/\/data$/);
    expect(config.databaseUrl).toBeUndefined();
  });

  it("names the variable, what was found and what is allowed, for every wrong value at once", () => {
    const text = problemsOf({ PORT: "eighty", AEROSTACK_LOG_LEVEL: "loud" });
    expect(text).toContain("PORT: found 'eighty'; allowed is a port from 1 to 65535");
    expect(text).toContain("AEROSTACK_LOG_LEVEL: found 'loud'; allowed is trace, debug");
  });

  it("never prints a value that may hold a credential", () => {
    const text = problemsOf({ AEROSTACK_DATABASE_URL: "mysql://root:hunter2@db/x" });
    expect(text).toContain("AEROSTACK_DATABASE_URL");
    expect(text).not.toContain("hunter2");
  });

  it.each(["0.0.0.0", "::", "192.168.1.4", "example.com", "127.evil.example"])(
    "refuses to listen on %s without TLS or a trusted proxy, and says why",
    (host) => {
      expect(problemsOf({ HOST: host })).toContain("clear text");
    },
  );

  it.each([
    { HOST: "0.0.0.0", AEROSTACK_TRUST_PROXY: "true" },
    { HOST: "0.0.0.0", AEROSTACK_TRUST_PROXY: "10.0.0.0/8, 192.0.2.7" },
    { HOST: "0.0.0.0", AEROSTACK_TLS_CERT: "cert.pem", AEROSTACK_TLS_KEY: "key.pem" },
    { HOST: "::1" },
    { HOST: "localhost" },
  ])("accepts %o", (env) => {
    expect(problemsOf(env)).toBe("");
  });

  it("refuses half of a TLS pair and a proxy that is no address", () => {
    expect(problemsOf({ AEROSTACK_TLS_CERT: "cert.pem" })).toContain("AEROSTACK_TLS_KEY");
    expect(problemsOf({ AEROSTACK_TRUST_PROXY: "10.0.0.0/99" })).toContain(
      "AEROSTACK_TRUST_PROXY: found '10.0.0.0/99'",
    );
  });

  it("wants the key and the bucket in the URL of a bucket, and shows neither", () => {
    const problems = problemsOf({ AEROSTACK_S3_URL: "https://s3.example.com/bucket" });
    expect(problems).toContain("it names no access key and secret");
    expect(problemsOf({ AEROSTACK_S3_URL: "https://id:hidden@s3.example.com/" })).toContain("names no bucket");
    expect(problemsOf({ AEROSTACK_S3_URL: "https://id:hidden@s3.example.com/" })).not.toContain("hidden");
  });

  it("takes one sender of e-mail, with the address that it comes from", () => {
    const smtp = { AEROSTACK_SMTP_URL: "smtp://user:hunter2@mail.example.com" };
    const from = { AEROSTACK_MAIL_FROM: "Example <no-reply@example.com>" };
    expect(problemsOf(smtp)).toContain("AEROSTACK_MAIL_FROM");
    expect(problemsOf({ ...smtp, ...from, AEROSTACK_RESEND_API_KEY: "re_1" })).toContain("set one");
    expect(problemsOf({ ...smtp, ...from })).toBe("");
    expect(problemsOf({ ...smtp, AEROSTACK_MAIL_FROM: "a@b.c\r\nBcc: eve@example.com" })).toContain(
      "AEROSTACK_MAIL_FROM",
    );
    expect(problemsOf({ AEROSTACK_SMTP_URL: "http://user:hunter2@mail" })).not.toContain("hunter2");
  });

  it("keeps only the origin of the public URL", () => {
    expect(loadConfig({ AEROSTACK_PUBLIC_URL: "https://api.example.com/x/" }).publicUrl).toBe(
      "https://api.example.com",
    );
  });
});
