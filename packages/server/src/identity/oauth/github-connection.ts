import { AerostackError } from "@aerostack/contracts";
import { z } from "zod";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import { authorizationUrlOf, loadOauth, requestOptions } from "./oauth-library.ts";
import { challengeOf } from "./oidc-connection.ts";
import { type ProviderConnection, ProviderRefusedError } from "./provider-connection.ts";

export interface GithubEndpoints {
  /** Where people log in. */
  readonly web: string;
  readonly api: string;
}

export const GITHUB: GithubEndpoints = { web: "https://github.com", api: "https://api.github.com" };

const userSchema = z.object({ id: z.int(), name: z.string().nullish(), login: z.string() });
const emailsSchema = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));

/**
 * Logs in by GitHub (OAuth 2.0 with PKCE; https://docs.github.com/apps/oauth-apps). The access token is used for two
 * questions, who it is and which address is confirmed, and then forgotten.
 */
export function createGithubConnection(
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
  fetch: OutgoingFetch,
  endpoints: GithubEndpoints = GITHUB,
): ProviderConnection {
  const server = {
    issuer: endpoints.web,
    authorization_endpoint: `${endpoints.web}/login/oauth/authorize`,
    token_endpoint: `${endpoints.web}/login/oauth/access_token`,
  };
  const client = { client_id: clientId };

  async function ask<Schema extends z.ZodType>(path: string, token: string, schema: Schema): Promise<z.output<Schema>> {
    const answer = await fetch(`${endpoints.api}${path}`, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/vnd.github+json",
        "user-agent": "aerostack",
        "x-github-api-version": "2022-11-28",
      },
    });
    if (!answer.ok) throw new Error(`GitHub answered ${answer.status} to ${path}`);
    return schema.parse(await answer.json());
  }

  return {
    authorizationUrl: async ({ redirectUri, state, codeVerifier }) =>
      authorizationUrlOf(server, {
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: "read:user user:email",
        state,
        code_challenge: challengeOf(codeVerifier),
        code_challenge_method: "S256",
      }),

    async identify(answer, { redirectUri, state, codeVerifier }) {
      const refusal = answer.get("error");
      if (refusal !== null) throw new ProviderRefusedError(refusal);
      const oauth = await loadOauth();
      try {
        const parameters = oauth.validateAuthResponse(server, client, answer, state);
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          oauth.ClientSecretPost(clientSecret),
          parameters,
          redirectUri,
          codeVerifier,
          {
            ...requestOptions<"POST", URLSearchParams>(oauth, fetch, endpoints.web),
            headers: { accept: "application/json" },
          },
        );
        const { access_token } = await oauth.processAuthorizationCodeResponse(server, client, response);
        const user = await ask("/user", access_token, userSchema);
        const emails = await ask("/user/emails", access_token, emailsSchema);
        const confirmed = emails.filter(({ verified }) => verified);
        const email = confirmed.find(({ primary }) => primary) ?? confirmed[0];
        return {
          issuer: endpoints.web,
          subject: String(user.id),
          email: email?.email.trim().toLowerCase() ?? null,
          isEmailVerified: email !== undefined,
          name: user.name ?? user.login,
        };
      } catch (cause) {
        throw new AerostackError("AUTH_PROVIDER_FAILED", { cause });
      }
    },
  };
}
