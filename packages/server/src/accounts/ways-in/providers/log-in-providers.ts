import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { createDiscovery } from "../../../identity/oauth/discovery.ts";
import { createGithubConnection } from "../../../identity/oauth/github-connection.ts";
import { createOidcConnection } from "../../../identity/oauth/oidc-connection.ts";
import type { ProviderConnection } from "../../../identity/oauth/provider-connection.ts";
import type { OutgoingFetch } from "../../../kernel/outgoing.ts";
import type { LogInProviderSettings } from "./provider-settings.ts";

export interface LogInProvider {
  /** As in addresses. */
  readonly id: string;
  /** As people are shown it. */
  readonly name: string;
  readonly connection: ProviderConnection;
}

/** The providers that the operator has set. */
export interface LogInProviders {
  readonly all: readonly LogInProvider[];
  /** @throws NOT_FOUND */
  require(id: string): LogInProvider;
}

const SCOPES = ["openid", "email", "profile"] as const;

export interface LogInProvidersOptions {
  readonly settings: readonly LogInProviderSettings[];
  readonly clock: Clock;
  readonly fetch: OutgoingFetch;
}

export function createLogInProviders({ settings, clock, fetch }: LogInProvidersOptions): LogInProviders {
  const discover = createDiscovery({ clock, fetch });

  function open(provider: LogInProviderSettings): LogInProvider {
    if (provider.type === "github") {
      return { id: "github", name: "GitHub", connection: createGithubConnection(provider, fetch, provider) };
    }
    const oidc = { ...provider, scopes: SCOPES, trustEmail: false };
    return { id: provider.type, name: provider.name, connection: createOidcConnection(oidc, discover, fetch) };
  }

  const all = settings.map(open);
  return {
    all,
    require(id) {
      const provider = all.find((each) => each.id === id);
      if (provider !== undefined) return provider;
      throw new AerostackError("NOT_FOUND", {
        message: "This installation has no such provider to log in through.",
        fix: "GET /api/auth/providers lists those that it has.",
      });
    },
  };
}
