import {
  accountIdentityResponseSchema,
  LOG_IN_PAGES,
  listAccountIdentitiesResponseSchema,
  listLogInProvidersResponseSchema,
  logInProviderCodeRequestSchema,
  logInProviderParamsSchema,
  logInProviderQuerySchema,
  loginResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../../edge/define-route.ts";
import {
  BINDING_COOKIE_SECONDS,
  cookieValue,
  redirectWithCookie,
  setCookie,
} from "../../../identity/oauth/binding-cookie.ts";
import { toIso } from "../../../kernel/page.ts";
import { showLogin } from "../../show-account.ts";
import type { AccountIdentities } from "./account-identities.ts";
import type { AccountIdentityRow } from "./identity-store.ts";
import type { LogInProviders } from "./log-in-providers.ts";
import type { ProviderLogIn } from "./provider-log-in.ts";

export interface ProviderRoutesOptions {
  readonly providers: LogInProviders;
  readonly logIn: ProviderLogIn;
  readonly identities: AccountIdentities;
  readonly origin: () => string;
}

const TAG = "Accounts";
const OAUTH = "/api/auth/oauth";
const IDENTITIES = "/api/auth/identities";

/** Log-in through other providers. The addresses below `/api/auth/oauth` with a provider are opened by browsers. */
export function providerRoutes({ providers, logIn, identities, origin }: ProviderRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/auth/providers",
      summary: "List the providers that accounts may log in through",
      tag: TAG,
      auth: "none",
      response: { status: 200, schema: listLogInProvidersResponseSchema },
      handler: () => ({ providers: providers.all.map(({ id, name }) => ({ id, name })) }),
    }),
    defineRoute({
      method: "get",
      path: `${OAUTH}/:provider`,
      summary: "Send the browser to another provider to log in",
      description:
        "It comes back to the page with `code` (for /api/auth/oauth/token) or `error` in the fragment. Open this address in the browser; a cookie ties the attempt to it. Thirty a minute from one address.",
      tag: TAG,
      auth: "none",
      params: logInProviderParamsSchema,
      query: logInProviderQuerySchema,
      response: { status: 200, description: "302 to the provider.", contentType: "text/plain" },
      errors: ["NOT_FOUND", "AUTH_PROVIDER_FAILED", "FORBIDDEN"],
      handler: async ({ params, query, clientAddress }) => {
        const departure = { ...query, providerId: params.provider, page: LOG_IN_PAGES[query.page] };
        const { url, cookie } = await logIn.start(departure, clientAddress);
        return redirectWithCookie(url, setCookie(cookie, BINDING_COOKIE_SECONDS, OAUTH, origin()));
      },
    }),
    defineRoute({
      method: "get",
      path: `${OAUTH}/:provider/callback`,
      summary: "Take the browser back from another provider",
      description: "The address to register there.",
      tag: TAG,
      auth: "none",
      params: logInProviderParamsSchema,
      response: { status: 200, description: "302 to the page.", contentType: "text/plain" },
      errors: ["NOT_FOUND", "AUTH_TOKEN_INVALID"],
      handler: async ({ params, request }) => {
        const cookies = request.headers.get("cookie") ?? "";
        const answer = new URL(request.url).searchParams;
        const { url, cookieName } = await logIn.finish(params.provider, answer, (name) => cookieValue(cookies, name));
        return redirectWithCookie(url, setCookie({ name: cookieName, value: "" }, 0, OAUTH, origin()));
      },
    }),
    defineRoute({
      method: "post",
      path: `${OAUTH}/token`,
      summary: "Log in with the code that a browser came back with",
      description:
        "Good for two minutes, once. Makes an account for who has none, where sign-up is open and the person said to be 16 or older. An account with the same e-mail address is never opened by it: log in to that one and connect the provider.",
      tag: TAG,
      auth: "none",
      body: logInProviderCodeRequestSchema,
      response: { status: 200, schema: loginResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_USER_EXISTS", "AUTH_EMAIL_NOT_VERIFIED", "AUTH_AGE_UNKNOWN", "FORBIDDEN"],
      handler: async ({ body }) => showLogin(await logIn.exchange(body.code, body.codeVerifier)),
    }),
    defineRoute({
      method: "get",
      path: IDENTITIES,
      summary: "List the providers that the account is connected to",
      tag: TAG,
      auth: "account",
      response: { status: 200, schema: listAccountIdentitiesResponseSchema },
      handler: async ({ principal }) => ({
        identities: (await identities.list(principal.accountId)).map(showIdentity),
      }),
    }),
    defineRoute({
      method: "post",
      path: IDENTITIES,
      summary: "Connect a provider to the account",
      description: "With the code of a way that was begun with `intent=connect`.",
      tag: TAG,
      auth: "account",
      freshProof: true,
      body: logInProviderCodeRequestSchema,
      response: { status: 201, schema: accountIdentityResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "AUTH_TOKEN_INVALID", "AUTH_USER_EXISTS", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, body }) => ({
        identity: showIdentity(await logIn.connect(principal, body.code, body.codeVerifier)),
      }),
    }),
    defineRoute({
      method: "delete",
      path: `${IDENTITIES}/:provider`,
      summary: "Disconnect a provider from the account",
      description: "Not the last way to log in.",
      tag: TAG,
      auth: "account",
      freshProof: true,
      params: logInProviderParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_PROOF_REQUIRED", "NOT_FOUND", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, params }) => {
        await identities.disconnect(principal, params.provider);
        return { success: true as const };
      },
    }),
  ];
}

function showIdentity({ provider, email, created_at, last_used_at }: AccountIdentityRow) {
  return {
    provider,
    email,
    createdAt: toIso(created_at),
    lastUsedAt: last_used_at === null ? null : toIso(last_used_at),
  };
}
