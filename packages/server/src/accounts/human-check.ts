import { AerostackError } from "@aerostack/contracts";
import type { VerifyChallenge } from "../identity/verify-challenge.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";

/** What the operator set, to tell people from programs. */
export interface ChallengeSettings {
  readonly siteKey: string;
  readonly secret: string;
  /** The widget's script, for the pages of this server. */
  readonly scriptUrl: string;
}

/** Asks whether a person is there, where the operator wants to know. */
export interface HumanCheck {
  /** @throws AUTH_CAPTCHA_FAILED · SERVICE_UNAVAILABLE when nobody can say: then nobody gets through */
  requireAtSignUp(token: string | undefined): Promise<void>;
  /** From the fourth attempt in 15 minutes for an e-mail address on. @throws the same */
  requireAtLogIn(email: string, token: string | undefined): Promise<void>;
}

/** Attempts count, not failures: of many at once each would be let in before the first has failed. */
const LOG_INS_WITHOUT: LimitPolicy = { limit: 3, windowMs: 15 * 60_000 };

export interface HumanCheckOptions {
  readonly challenge: ChallengeSettings | undefined;
  readonly verify: VerifyChallenge;
  readonly limiter: Limiter;
  readonly origin: () => string;
}

export function createHumanCheck({ challenge, verify, limiter, origin }: HumanCheckOptions): HumanCheck {
  async function require(action: "register" | "login", token: string | undefined): Promise<void> {
    if (challenge === undefined) return;
    const { hostname } = new URL(origin());
    const isHuman =
      token !== undefined && token !== "" && (await verify({ secret: challenge.secret, token, hostname, action }));
    if (!isHuman) throw new AerostackError("AUTH_CAPTCHA_FAILED", { details: { siteKey: challenge.siteKey, action } });
  }

  return {
    requireAtSignUp: (token) => require("register", token),
    async requireAtLogIn(email, token) {
      if (challenge === undefined) return;
      const { allowed } = await limiter.take(`login:without-challenge:${email}`, LOG_INS_WITHOUT);
      if (!allowed) await require("login", token);
    },
  };
}
