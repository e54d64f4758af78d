import { AerostackError } from "@aerostack/contracts";
import type { OutgoingFetch } from "../kernel/outgoing.ts";

/** Asks whoever set a challenge whether a person solved it: Turnstile, or a service that answers as it does. */
export type VerifyChallenge = (solution: ChallengeSolution) => Promise<boolean>;

export interface ChallengeSolution {
  /** Proves to the service who asks. */
  readonly secret: string;
  /** What the widget gave the person's browser. The service takes each once. */
  readonly token: string;
  /** Where it has to have been solved, where that matters; a service that does not say it is believed. */
  readonly hostname?: string;
  /** What for; the same. */
  readonly action?: string;
}

/** @returns false for a wrong solution. @throws SERVICE_UNAVAILABLE when nobody answers: then nobody gets through */
export function createChallengeVerifier(options: {
  readonly fetch: OutgoingFetch;
  readonly url: string;
}): VerifyChallenge {
  return async ({ secret, token, hostname, action }) => {
    try {
      const answer = await options.fetch(options.url, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        // The token alone is sent: whose address asks is nobody else's business.
        body: new URLSearchParams({ secret, response: token }).toString(),
      });
      const told = (await answer.json()) as Readonly<Record<string, unknown>>;
      const isElsewhere = (wanted: string | undefined, found: unknown): boolean =>
        wanted !== undefined && typeof found === "string" && found !== "" && found !== wanted;
      return told.success === true && !isElsewhere(hostname, told.hostname) && !isElsewhere(action, told.action);
    } catch (cause) {
      throw new AerostackError("SERVICE_UNAVAILABLE", { cause, retryAfterSeconds: 5 });
    }
  };
}
