import { AerostackError } from "@aerostack/contracts";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import type { SettingsReader } from "../settings/settings.ts";

/** Asks Cloudflare whether a person solved the challenge, where the project wants to know. */
export interface HumanCheck {
  /** @throws AUTH_CAPTCHA_FAILED · SERVICE_UNAVAILABLE when Cloudflare does not answer: then nobody gets through */
  require(projectId: string, token: string | undefined): Promise<void>;
  isAsked(projectId: string): Promise<boolean>;
}

const ADDRESS = "https://challenges.cloudflare.com/turnstile/v0/siteverify";

export interface HumanCheckOptions {
  readonly settings: SettingsReader;
  readonly fetch: OutgoingFetch;
}

export function createHumanCheck({ settings, fetch }: HumanCheckOptions): HumanCheck {
  const isAsked = async (projectId: string): Promise<boolean> => (await settings.of(projectId)).turnstile.enabled;
  return {
    isAsked,
    async require(projectId, token) {
      if (!(await isAsked(projectId))) return;
      if (token === undefined || token === "") throw new AerostackError("AUTH_CAPTCHA_FAILED");
      const { "turnstile.secretKey": secret = "" } = await settings.secretsOf(projectId);
      if (!(await isSolved(secret, token, fetch))) throw new AerostackError("AUTH_CAPTCHA_FAILED");
    },
  };
}

/** The token alone is sent: whose address asks is nobody else's business. */
async function isSolved(secret: string, response: string, fetch: OutgoingFetch): Promise<boolean> {
  try {
    const answer = await fetch(ADDRESS, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ secret, response }).toString(),
    });
    const { success } = (await answer.json()) as { success?: unknown };
    return success === true;
  } catch (cause) {
    throw new AerostackError("SERVICE_UNAVAILABLE", { cause, retryAfterSeconds: 5 });
  }
}
