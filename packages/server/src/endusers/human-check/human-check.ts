import { AerostackError } from "@aerostack/contracts";
import type { VerifyChallenge } from "../../identity/verify-challenge.ts";
import type { SettingsReader } from "../settings/settings.ts";

/** Asks whether a person solved the challenge, where the project wants to know. */
export interface HumanCheck {
  /** @throws AUTH_CAPTCHA_FAILED · SERVICE_UNAVAILABLE when nobody can say: then nobody gets through */
  require(projectId: string, token: string | undefined): Promise<void>;
  isAsked(projectId: string): Promise<boolean>;
}

export interface HumanCheckOptions {
  readonly settings: SettingsReader;
  readonly verify: VerifyChallenge;
}

export function createHumanCheck({ settings, verify }: HumanCheckOptions): HumanCheck {
  const isAsked = async (projectId: string): Promise<boolean> => (await settings.of(projectId)).turnstile.enabled;
  return {
    isAsked,
    async require(projectId, token) {
      if (!(await isAsked(projectId))) return;
      if (token === undefined || token === "") throw new AerostackError("AUTH_CAPTCHA_FAILED");
      const { "turnstile.secretKey": secret = "" } = await settings.secretsOf(projectId);
      if (!(await verify({ secret, token }))) throw new AerostackError("AUTH_CAPTCHA_FAILED");
    },
  };
}
