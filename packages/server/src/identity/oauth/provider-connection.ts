/** What a provider tells of a person: all that is read of it. */
export interface ProviderProfile {
  /** Who it is there; never changes. */
  readonly issuer: string;
  readonly subject: string;
  /** Lower-cased. */
  readonly email: string | null;
  /** The provider says that the address is the person's. */
  readonly isEmailVerified: boolean;
  readonly name: string | null;
  /** Where the connection asks for them. */
  readonly groups?: readonly string[];
}

/** What belongs to one attempt. Verifier and nonce tie the provider's answer to it (RFC 7636, OpenID Connect Core 3.1.2). */
export interface AuthorizationAttempt {
  readonly redirectUri: string;
  readonly state: string;
  readonly codeVerifier: string;
  readonly nonce: string;
}

/** Talks to one provider. */
export interface ProviderConnection {
  /** Where the person's browser is sent. */
  authorizationUrl(attempt: AuthorizationAttempt): Promise<string>;
  /**
   * Who came back.
   *
   * @param answer the parameters that the provider sent the browser back with
   * @throws AUTH_PROVIDER_FAILED
   */
  identify(answer: URLSearchParams, attempt: AuthorizationAttempt): Promise<ProviderProfile>;
}

/** As a browser reads it: the name of the provider's own error, without what it may quote. */
export class ProviderRefusedError extends Error {
  override readonly name = "ProviderRefusedError";
  readonly reason: string;

  constructor(reason: string) {
    super(`the provider answered ${reason}`);
    this.reason = reason;
  }
}
