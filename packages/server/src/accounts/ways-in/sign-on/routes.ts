import {
  findSignOnRequestSchema,
  findSignOnResponseSchema,
  LOG_IN_PAGES,
  logInProviderCodeRequestSchema,
  loginResponseSchema,
  signOnParamsSchema,
  signOnQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../../edge/define-route.ts";
import {
  BINDING_COOKIE_SECONDS,
  cookieValue,
  redirectWithCookie,
  setCookie,
} from "../../../identity/oauth/binding-cookie.ts";
import { domainOf, type SignOnDomains } from "../../../teams/single-sign-on/sign-on-domains.ts";
import { showLogin } from "../../show-account.ts";
import type { SignOnLogIn } from "./sign-on-log-in.ts";

export interface SignOnRoutesOptions {
  readonly logIn: SignOnLogIn;
  readonly domains: Pick<SignOnDomains, "organisationOf">;
  readonly origin: () => string;
}

const TAG = "Accounts";
const SIGN_ON = "/api/auth/sign-on";

/** Log-in through an organisation's own provider. The addresses with an organisation are opened by browsers. */
export function signOnLogInRoutes({ logIn, domains, origin }: SignOnRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: `${SIGN_ON}/find`,
      summary: "Find the organisation through which people of an e-mail domain log in",
      tag: TAG,
      auth: "none",
      body: findSignOnRequestSchema,
      response: { status: 200, schema: findSignOnResponseSchema },
      handler: async ({ body }) => ({ organisation: (await domains.organisationOf(domainOf(body.email))) ?? null }),
    }),
    defineRoute({
      method: "get",
      path: `${SIGN_ON}/:organisation`,
      summary: "Send the browser to an organisation's provider to log in",
      description:
        "It comes back to the page with `code` (for /api/auth/sign-on/token) or `error` in the fragment. Thirty a minute from one address.",
      tag: TAG,
      auth: "none",
      params: signOnParamsSchema,
      query: signOnQuerySchema,
      response: { status: 200, description: "302 to the provider.", contentType: "text/plain" },
      errors: ["NOT_FOUND", "AUTH_PROVIDER_FAILED", "FORBIDDEN"],
      handler: async ({ params, query, clientAddress }) => {
        const departure = { ...query, organisationId: params.organisation, page: LOG_IN_PAGES[query.page] };
        const { url, cookie } = await logIn.start(departure, clientAddress);
        return redirectWithCookie(url, setCookie(cookie, BINDING_COOKIE_SECONDS, SIGN_ON, origin()));
      },
    }),
    defineRoute({
      method: "get",
      path: `${SIGN_ON}/:organisation/callback`,
      summary: "Take the browser back from an organisation's provider",
      tag: TAG,
      auth: "none",
      params: signOnParamsSchema,
      response: { status: 200, description: "302 to the page.", contentType: "text/plain" },
      errors: ["NOT_FOUND", "AUTH_TOKEN_INVALID"],
      handler: async ({ params, request }) => {
        const cookies = request.headers.get("cookie") ?? "";
        const answer = new URL(request.url).searchParams;
        const { url, cookieName } = await logIn.finish(params.organisation, answer, (name) =>
          cookieValue(cookies, name),
        );
        return redirectWithCookie(url, setCookie({ name: cookieName, value: "" }, 0, SIGN_ON, origin()));
      },
    }),
    defineRoute({
      method: "post",
      path: `${SIGN_ON}/token`,
      summary: "Log in with the code that a browser came back with",
      description: "Good for two minutes, once. The account gets and loses its role by the provider's groups.",
      tag: TAG,
      auth: "none",
      body: logInProviderCodeRequestSchema,
      response: { status: 200, schema: loginResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_USER_EXISTS", "AUTH_AGE_UNKNOWN", "FORBIDDEN"],
      handler: async ({ body }) => showLogin(await logIn.exchange(body.code, body.codeVerifier)),
    }),
    defineRoute({
      method: "post",
      path: `${SIGN_ON}/connect`,
      summary: "Connect an organisation's log-in to the account",
      description: "With the code of a way that was begun with `intent=connect`.",
      tag: TAG,
      auth: "account",
      freshProof: true,
      body: logInProviderCodeRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_PROOF_REQUIRED", "AUTH_TOKEN_INVALID", "AUTH_USER_EXISTS", "FORBIDDEN"],
      handler: async ({ principal, body }) => {
        await logIn.connect(principal, body.code, body.codeVerifier);
        return { success: true as const };
      },
    }),
  ];
}
