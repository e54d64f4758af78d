import { AerostackError, type IdentityProvider } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { createDiscovery } from "../../identity/oauth/discovery.ts";
import { createGithubConnection, type GithubEndpoints } from "../../identity/oauth/github-connection.ts";
import { createOidcConnection } from "../../identity/oauth/oidc-connection.ts";
import type { ProviderConnection } from "../../identity/oauth/provider-connection.ts";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import type { SettingsReader } from "../settings/settings.ts";

const GOOGLE_ISSUER = "https://accounts.google.com";
const DEFAULT_SCOPES = ["openid", "email", "profile"] as const;

export interface ProviderConnectionsOptions {
  readonly clock: Clock;
  readonly settings: SettingsReader;
  readonly fetch: OutgoingFetch;
  /** For tests. */
  readonly github?: GithubEndpoints | undefined;
}

/** The providers that a project has, by the ids that its settings give them. */
export interface ProviderConnections {
  /** @throws NOT_FOUND for one that the project does not have, or has switched off */
  open(projectId: string, providerId: string): Promise<ProviderConnection>;
}

export function createProviderConnections(options: ProviderConnectionsOptions): ProviderConnections {
  const { clock, settings, fetch, github } = options;
  const discover = createDiscovery({ clock, fetch });

  function connect(provider: IdentityProvider, clientSecret: string): ProviderConnection {
    const { clientId } = provider;
    switch (provider.type) {
      case "github":
        return createGithubConnection({ clientId, clientSecret }, fetch, github);
      case "google": {
        const google = { issuer: GOOGLE_ISSUER, scopes: DEFAULT_SCOPES, trustEmail: false };
        return createOidcConnection({ ...google, clientId, clientSecret }, discover, fetch);
      }
      case "oidc":
        return createOidcConnection({ ...provider, clientSecret }, discover, fetch);
      default:
        return provider satisfies never;
    }
  }

  return {
    async open(projectId, providerId) {
      const { providers } = await settings.of(projectId);
      const provider = Object.hasOwn(providers, providerId) ? providers[providerId] : undefined;
      const secrets = await settings.secretsOf(projectId);
      const clientSecret = secrets[`providers.${providerId}.clientSecret`];
      if (provider === undefined || !provider.enabled || clientSecret === undefined) {
        throw new AerostackError("NOT_FOUND", {
          message: "The project has no such provider.",
          fix: "Add it under providers in the project's end-user settings.",
        });
      }
      return connect(provider, clientSecret);
    },
  };
}
