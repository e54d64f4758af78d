// For tests only: browsers that log in to accounts through a real OpenID provider.
import { randomBytes } from "node:crypto";
import { challengeOf } from "../../../identity/oauth/oidc-connection.ts";
import { OIDC_CLIENT, type OidcAccount, startOidcProvider } from "../../../identity/oauth/oidc-testing.ts";
import { createOutgoing } from "../../../kernel/outgoing.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import { createTestApp, createTestSecrets, type TestAppOptions } from "../../../testing.ts";

export const TEST_ORIGIN = "http://aerostack.test";

type App = Awaited<ReturnType<typeof createTestApp>>["app"];

export async function createProviderTest(sql: Sql<unknown>, options: TestAppOptions = {}) {
  const state = {
    account: { sub: "1", email: "Ada@Example.com", email_verified: true, name: "Ada" } as OidcAccount,
    refuses: false,
  };
  const provider = await startOidcProvider({
    redirectUri: `${TEST_ORIGIN}/api/auth/oauth/oidc/callback`,
    account: () => state.account,
    refuses: () => state.refuses,
  });
  const secrets = createTestSecrets();
  const logInProviders = [{ type: "oidc" as const, name: "Company", issuer: provider.issuer, ...OIDC_CLIENT }];
  const all = { secrets, logInProviders, fetch: createOutgoing().fetch, ...options };
  const test = await createTestApp(sql, all);
  const { call } = test;

  /** A browser tab with the page that set out. */
  function openTab(app: App = test.app) {
    const codeVerifier = randomBytes(32).toString("base64url");
    let cookie = "";
    return {
      codeVerifier,
      async leave(query: Record<string, string> = {}, id = "oidc") {
        const asked = new URLSearchParams({ page: "device", codeChallenge: challengeOf(codeVerifier), ...query });
        const answer = await app.request(`/api/auth/oauth/${id}?${asked}`);
        cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
        return answer;
      },
      /** Through the provider, to the address of this installation that it sends the browser back to. */
      browse: (left: Response) => provider.browse(left.headers.get("location") ?? ""),
      async comeBack({ pathname, search }: URL, sentCookie = cookie, to: App = app) {
        return await to.request(`${pathname}${search}`, { headers: { cookie: sentCookie } });
      },
      /** The whole way; what the page finds in its fragment. */
      async travel(query: Record<string, string> = {}) {
        const answer = await this.comeBack(await this.browse(await this.leave(query)));
        const location = new URL(answer.headers.get("location") ?? "");
        return { location, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) } as {
          location: URL;
          code?: string;
          error?: string;
          error_description?: string;
        };
      },
      redeem: (code: string | undefined) =>
        call("POST", "/api/auth/oauth/token", { body: { code: code ?? "", codeVerifier } }),
      async logIn(query: Record<string, string> = {}) {
        return await this.redeem((await this.travel(query)).code);
      },
      async connect(bearer: Record<string, string>) {
        const { code = "" } = await this.travel({ intent: "connect" });
        return await call("POST", "/api/auth/identities", { headers: bearer, body: { code, codeVerifier } });
      },
    };
  }

  /** Another server of the same installation. */
  const anotherServer = (changes: TestAppOptions = {}) => createTestApp(sql, { ...all, clock: test.clock, ...changes });
  return { ...test, state, provider, openTab, anotherServer };
}
