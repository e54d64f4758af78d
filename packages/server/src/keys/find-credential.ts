import type { CredentialFinder } from "./principal-resolver.ts";

export interface CredentialSources {
  /** True for text that is an access token by its form. */
  readonly isAccessToken: (credential: string) => boolean;
  readonly accessTokens: CredentialFinder;
  readonly accountKeys: CredentialFinder;
  readonly projectKeys: CredentialFinder;
}

/** Asks the store that a credential belongs to: by the form of tokens, and by the letters that our keys begin with. */
export function createCredentialFinder(sources: CredentialSources): CredentialFinder {
  return async (credential) => {
    if (sources.isAccessToken(credential)) return await sources.accessTokens(credential);
    if (credential.startsWith("ak_")) return await sources.accountKeys(credential);
    return await sources.projectKeys(credential);
  };
}
