import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CliError } from "../command/cli-error.ts";
import { temporaryFolder } from "../testing/run-command.ts";
import { normaliseBaseUrl, resolveBaseUrl } from "./base-url.ts";
import {
  type Credentials,
  credentialsPath,
  readCredentials,
  withoutServer,
  withServer,
  writeCredentials,
} from "./credentials-file.ts";
import { resolveCredential } from "./resolve-credential.ts";

describe("the server's address", () => {
  const all = {
    flag: "http://flag",
    env: { AEROSTACK_API_URL: "http://env" },
    configured: "http://file",
    loggedIn: "http://login",
  };

  it.each([
    [all, "http://flag", "--api-url"],
    [{ ...all, flag: undefined }, "http://env", "AEROSTACK_API_URL"],
    [{ ...all, flag: undefined, env: {} }, "http://file", "configuration file"],
    [{ ...all, flag: undefined, env: {}, configured: undefined }, "http://login", "log-in"],
    [
      { flag: undefined, env: { AEROSTACK_API_URL: "" }, configured: undefined, loggedIn: undefined },
      "http://127.0.0.1:8787",
      "default",
    ],
  ])("is the first that is given (%#)", (inputs, url, source) => {
    expect(resolveBaseUrl(inputs)).toEqual({ url, source });
  });

  it.each([
    "https://api.example.com/v1/",
    "https://api.example.com/api/v1",
    "https://api.example.com/api",
    "https://api.example.com/",
  ])("is taken as other clients are given it: %s", (text) => {
    expect(normaliseBaseUrl(text, "x")).toBe("https://api.example.com");
  });

  it.each(["nonsense", "ftp://host", "https://user:secret@host"])("is refused when it is %s", (text) => {
    expect(() => normaliseBaseUrl(text, "AEROSTACK_API_URL")).toThrow(CliError);
  });
});

describe("the key", () => {
  const stored: Credentials = withServer({}, "https://ours", { api_key: "ak_ours" });
  const at = (url: string, source: "configuration file" | "AEROSTACK_API_URL" = "AEROSTACK_API_URL") =>
    ({ url, source }) as const;

  it("is the environment's, then the file's, then the server's own", () => {
    const env = { AEROSTACK_API_KEY: "ak_env" };
    const common = { credentials: stored, baseUrl: at("https://ours") };
    expect(resolveCredential({ ...common, env, configured: "ak_file" })?.key).toBe("ak_env");
    expect(resolveCredential({ ...common, env: {}, configured: "ak_file" })?.key).toBe("ak_file");
    expect(resolveCredential({ ...common, env: {}, configured: undefined })?.key).toBe("ak_ours");
  });

  it("that one server gave is never sent to another, such as one that a cloned configuration names", () => {
    const baseUrl = at("https://evil", "configuration file");
    expect(resolveCredential({ env: {}, configured: undefined, credentials: stored, baseUrl })).toBeUndefined();
    const unbound: Credentials = { api_key: "ak_other_client" };
    expect(resolveCredential({ env: {}, configured: undefined, credentials: unbound, baseUrl })).toBeUndefined();
  });

  it("of another client's file is used with the server that the person names", () => {
    const credentials: Credentials = { api_key: "ak_other_client" };
    const found = resolveCredential({ env: {}, configured: undefined, credentials, baseUrl: at("https://named") });
    expect(found?.key).toBe("ak_other_client");
  });
});

describe("the credentials file", () => {
  it("is readable by its owner only and keeps what other servers gave", async () => {
    const home = temporaryFolder();
    const first = withServer({}, "https://a", { api_key: "ak_a" });
    const second = withServer(first, "https://b", { api_key: "ak_b" });
    const path = await writeCredentials(home, second);
    expect(path).toBe(credentialsPath(home));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await readCredentials(home)).toEqual({
      api_key: "ak_b",
      api_url: "https://b",
      servers: { "https://a": { api_key: "ak_a" }, "https://b": { api_key: "ak_b" } },
    });
  });

  it("loses the server that one logs out of, and no other", () => {
    const both = withServer(withServer({}, "https://a", { api_key: "ak_a" }), "https://b", { api_key: "ak_b" });
    expect(withoutServer(both, "https://b")).toEqual({ servers: { "https://a": { api_key: "ak_a" } } });
    expect(withoutServer(both, "https://a")).toEqual({
      api_key: "ak_b",
      api_url: "https://b",
      servers: { "https://b": { api_key: "ak_b" } },
    });
  });
});
