import {
  AerostackError,
  endUserAuthResponseSchema,
  endUserLinkRequestSchema,
  endUserLinkResponseSchema,
  endUserOauthStartQuerySchema,
  endUserOauthTokenRequestSchema,
  endUserProjectParamsSchema,
  endUserProviderParamsSchema,
  endUserSuccessSchema,
  listEndUserIdentitiesResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import {
  BINDING_COOKIE_SECONDS,
  cookieValue,
  redirectWithCookie,
  setCookie,
} from "../../identity/oauth/binding-cookie.ts";
import { toIso } from "../../kernel/page.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import { requireAllowedRedirect, withParameters } from "../messages/redirect-urls.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showSignIn } from "../sign-in/show-sign-in.ts";
import type { OauthFlow } from "./oauth-flow.ts";
import type { UserIdentities } from "./user-identities.ts";

export interface OauthRoutesOptions {
  readonly requests: AuthRequests;
  readonly settings: SettingsReader;
  readonly flow: OauthFlow;
  readonly identities: UserIdentities;
  readonly authUrlOf: (projectId: string) => string;
}

const COOKIE_PATH = "/api/v1/public/projects/";
const TOKEN_ERRORS = ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"] as const;

/** Log-in through other providers. The first two addresses are opened by browsers, not called. */
export function createOauthRoutes(options: OauthRoutesOptions): readonly Route[] {
  const { requests, settings, flow, identities, authUrlOf } = options;

  /** Where the browser goes at the end. @throws VALIDATION_ERROR */
  async function targetOf(projectId: string, redirectTo: string | undefined): Promise<string> {
    const { urls } = await settings.of(projectId);
    if (redirectTo !== undefined) requireAllowedRedirect(urls, redirectTo, "redirectTo");
    const target = redirectTo ?? urls.site;
    if (target !== null) return target;
    throw new AerostackError("VALIDATION_ERROR", {
      message: "It is not said where the browser goes afterwards.",
      fix: "Send redirectTo, or set urls.site in the project's end-user settings.",
      details: { fieldErrors: { redirectTo: ["is needed"] } },
    });
  }

  return [
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/oauth/:provider`,
      summary: "Send the browser to another provider to log in",
      description:
        "It comes back to `redirectTo` with `code` (for /oauth/token) or `error`. Open this address in the browser; a cookie ties the attempt to it.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProviderParamsSchema,
      query: endUserOauthStartQuerySchema,
      response: { status: 200, description: "302 to the provider.", contentType: "text/plain" },
      errors: ["NOT_FOUND", "AUTH_PROVIDER_FAILED", "AUTH_TOKEN_INVALID"],
      handler: async ({ params, query }) => {
        const projectId = await requests.projectIdOf(params.project);
        const redirectTo = await targetOf(projectId, query.redirectTo);
        const { url, cookie } = await flow.start({ ...query, projectId, providerId: params.provider, redirectTo });
        return redirectWithCookie(url, setCookie(cookie, BINDING_COOKIE_SECONDS, COOKIE_PATH, authUrlOf(projectId)));
      },
    }),
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/oauth/:provider/callback`,
      summary: "Take the browser back from another provider",
      description: "The address to register there, with the project's id.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProviderParamsSchema,
      response: { status: 200, description: "302 to the application.", contentType: "text/plain" },
      errors: ["AUTH_TOKEN_INVALID"],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const answer = new URL(request.url).searchParams;
        const cookies = request.headers.get("cookie") ?? "";
        const { url, cookieName } = await flow.finish(projectId, params.provider, answer, (name) =>
          cookieValue(cookies, name),
        );
        const gone = setCookie({ name: cookieName, value: "" }, 0, COOKIE_PATH, authUrlOf(projectId));
        return redirectWithCookie(url, gone);
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/oauth/token`,
      summary: "Get tokens for the code that a browser came back with",
      description: "Good for two minutes, once.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserOauthTokenRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_USER_BLOCKED"],
      handler: async (input) => {
        const projectId = await requests.projectIdOf(input.params.project);
        const { code, codeVerifier } = input.body;
        return showSignIn(await flow.exchange(projectId, code, codeVerifier, requests.callerOf(input)));
      },
    }),
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/me/identities`,
      summary: "List the providers that the user that calls has connected",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: listEndUserIdentitiesResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, request }) => {
        const { userId } = await requests.userOf(await requests.projectIdOf(params.project), request);
        const rows = await identities.list(userId);
        return {
          identities: rows.map(({ provider, email, created_at }) => ({
            provider,
            email,
            createdAt: toIso(created_at),
          })),
        };
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/me/identities/:provider`,
      summary: "Begin to connect a provider to the user that calls",
      description: "Open the address in the answer in the browser, within five minutes.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProviderParamsSchema,
      body: endUserLinkRequestSchema,
      response: { status: 200, schema: endUserLinkResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, body, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        const redirectTo = await targetOf(projectId, body.redirectTo);
        const link = await flow.createLink(projectId, userId);
        const start = `${authUrlOf(projectId)}/oauth/${encodeURIComponent(params.provider)}`;
        return { success: true as const, url: withParameters(start, { redirectTo, link }) };
      },
    }),
    defineRoute({
      method: "delete",
      path: `${END_USER_AUTH_PATH}/me/identities/:provider`,
      summary: "Disconnect a provider from the user that calls",
      description: "Not the last way to log in.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProviderParamsSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: [...TOKEN_ERRORS, "NOT_FOUND", "CONFLICT"],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        await identities.remove(projectId, userId, params.provider);
        return { success: true as const };
      },
    }),
  ];
}
