import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../../../kernel/config.ts";
import { logInProvidersOf } from "./provider-settings.ts";

const GITHUB = { AEROSTACK_GITHUB_CLIENT_ID: "gh", AEROSTACK_GITHUB_CLIENT_SECRET: "gh-secret" };
const GOOGLE = { AEROSTACK_GOOGLE_CLIENT_ID: "go", AEROSTACK_GOOGLE_CLIENT_SECRET: "go-secret" };
const OIDC = {
  AEROSTACK_OIDC_ISSUER: "https://login.example.com/realms/main/",
  AEROSTACK_OIDC_CLIENT_ID: "co",
  AEROSTACK_OIDC_CLIENT_SECRET: "co-secret",
};

function problemOf(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("the providers that accounts log in through", () => {
  it("are none unless they are set, and have the addresses that everybody knows", () => {
    expect(logInProvidersOf(loadConfig({}))).toEqual([]);
    expect(logInProvidersOf(loadConfig({ ...GITHUB, ...GOOGLE, ...OIDC }))).toEqual([
      {
        type: "github",
        clientId: "gh",
        clientSecret: "gh-secret",
        web: "https://github.com",
        api: "https://api.github.com",
      },
      {
        type: "google",
        name: "Google",
        issuer: "https://accounts.google.com",
        clientId: "go",
        clientSecret: "go-secret",
      },
      // An issuer is compared letter by letter, so it stays as it was written.
      {
        type: "oidc",
        name: "Single sign-on",
        issuer: OIDC.AEROSTACK_OIDC_ISSUER,
        clientId: "co",
        clientSecret: "co-secret",
      },
    ]);
  });

  it("are set whole or not at all, and what is wrong is named without a secret", () => {
    for (const whole of [GITHUB, GOOGLE, OIDC]) {
      for (const missing of Object.keys(whole)) {
        const problem = problemOf({ ...whole, [missing]: "" });
        expect(problem).toContain(`${missing}: found nothing`);
        expect(problem).not.toContain("-secret");
      }
    }
  });

  it.each([
    "http://login.example.com",
    "ftp://x",
    "https://u:p@example.com",
    "https://example.com/?a=1",
    "https://x#y",
  ])("are not at %s", (url) => {
    expect(problemOf({ ...OIDC, AEROSTACK_OIDC_ISSUER: url })).toContain("AEROSTACK_OIDC_ISSUER: found");
    expect(problemOf({ ...GITHUB, AEROSTACK_GITHUB_URL: url })).toContain("AEROSTACK_GITHUB_URL: found");
  });
});
