import { createHash } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { AuthorizationServer } from "oauth4webapi";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import { authorizationUrlOf, loadOauth, requestOptions } from "./oauth-library.ts";
import { type ProviderConnection, type ProviderProfile, ProviderRefusedError } from "./provider-connection.ts";

export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  /** Addresses count as confirmed although the provider does not say so. */
  readonly trustEmail: boolean;
  /** The claim that lists the person's groups, where they matter. */
  readonly groupsClaim?: string;
}

const MAX_GROUPS = 1_000;

/** Finds what a provider publishes about itself (OpenID Connect Discovery 1.0). */
export type Discover = (issuer: string) => Promise<AuthorizationServer>;

/** Logs in by OpenID Connect: authorization code with PKCE, ID token with nonce and checked signature. */
export function createOidcConnection(
  settings: OidcSettings,
  discover: Discover,
  fetch: OutgoingFetch,
): ProviderConnection {
  const client = { client_id: settings.clientId };

  return {
    async authorizationUrl({ redirectUri, state, codeVerifier, nonce }) {
      const server = await discover(settings.issuer);
      return authorizationUrlOf(server, {
        client_id: settings.clientId,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: settings.scopes.join(" "),
        state,
        nonce,
        code_challenge: challengeOf(codeVerifier),
        code_challenge_method: "S256",
      });
    },

    async identify(answer, { redirectUri, state, codeVerifier, nonce }) {
      const refusal = answer.get("error");
      if (refusal !== null) throw new ProviderRefusedError(refusal);
      const oauth = await loadOauth();
      const server = await discover(settings.issuer);
      const reading = requestOptions<"GET">(oauth, fetch, settings.issuer);
      try {
        const parameters = oauth.validateAuthResponse(server, client, answer, state);
        const secret = methodOf(server) === "post" ? oauth.ClientSecretPost : oauth.ClientSecretBasic;
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          secret(settings.clientSecret),
          parameters,
          redirectUri,
          codeVerifier,
          requestOptions<"POST", URLSearchParams>(oauth, fetch, settings.issuer),
        );
        const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
          expectedNonce: nonce,
          requireIdToken: true,
        });
        await oauth.validateApplicationLevelSignature(server, response, reading);
        const claims = oauth.getValidatedIdTokenClaims(tokens);
        if (claims === undefined) throw new Error("the answer holds no ID token");
        const { groupsClaim } = settings;
        const isWhole =
          typeof claims.email === "string" && (groupsClaim === undefined || Object.hasOwn(claims, groupsClaim));
        if (isWhole || server.userinfo_endpoint === undefined) return profileOf(claims);
        const answered = await oauth.userInfoRequest(server, client, tokens.access_token, reading);
        const info = await oauth.processUserInfoResponse(server, client, claims.sub, answered);
        return profileOf({ ...claims, ...info, iss: claims.iss });
      } catch (cause) {
        throw new AerostackError("AUTH_PROVIDER_FAILED", { cause });
      }
    },
  };

  function profileOf(claims: Readonly<Record<string, unknown>>): ProviderProfile {
    const email = typeof claims.email === "string" ? claims.email.trim().toLowerCase() : null;
    return {
      issuer: settings.issuer,
      subject: String(claims.sub),
      email,
      // Some providers send it as text.
      isEmailVerified: settings.trustEmail || claims.email_verified === true || claims.email_verified === "true",
      name: typeof claims.name === "string" ? claims.name : null,
      ...(settings.groupsClaim === undefined ? {} : { groups: groupsOf(claims[settings.groupsClaim]) }),
    };
  }
}

/** A list of texts, or one text; anything else is no group. */
function groupsOf(claim: unknown): readonly string[] {
  const list = Array.isArray(claim) ? claim : [claim];
  return list.filter((group): group is string => typeof group === "string").slice(0, MAX_GROUPS);
}

export function challengeOf(codeVerifier: string): string {
  return createHash("sha256").update(codeVerifier).digest("base64url");
}

function methodOf(server: AuthorizationServer): "basic" | "post" {
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") ? "basic" : "post";
}
