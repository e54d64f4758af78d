import type { Config } from "../../../kernel/config.ts";

/** Another provider that accounts of this installation may log in through. */
export type LogInProviderSettings =
  | {
      readonly type: "github";
      readonly clientId: string;
      readonly clientSecret: string;
      readonly web: string;
      readonly api: string;
    }
  | {
      readonly type: "google" | "oidc";
      readonly name: string;
      readonly issuer: string;
      readonly clientId: string;
      readonly clientSecret: string;
    };

/** Those that the operator has set. */
export function logInProvidersOf(config: Config): readonly LogInProviderSettings[] {
  const providers: LogInProviderSettings[] = [];
  const { githubClientId, githubClientSecret, googleClientId, googleClientSecret } = config;
  if (githubClientId !== undefined && githubClientSecret !== undefined) {
    const places = { web: config.githubUrl, api: config.githubApiUrl };
    providers.push({ type: "github", clientId: githubClientId, clientSecret: githubClientSecret, ...places });
  }
  if (googleClientId !== undefined && googleClientSecret !== undefined) {
    const facts = { name: "Google", issuer: config.googleIssuer };
    providers.push({ type: "google", clientId: googleClientId, clientSecret: googleClientSecret, ...facts });
  }
  const { oidcIssuer, oidcClientId, oidcClientSecret } = config;
  if (oidcIssuer !== undefined && oidcClientId !== undefined && oidcClientSecret !== undefined) {
    const facts = { name: config.oidcName, issuer: oidcIssuer };
    providers.push({ type: "oidc", clientId: oidcClientId, clientSecret: oidcClientSecret, ...facts });
  }
  return providers;
}
