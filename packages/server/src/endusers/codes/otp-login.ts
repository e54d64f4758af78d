import { AerostackError } from "@aerostack/contracts";
import type { AttemptOrigin, KnownNetworks } from "../../identity/known-networks.ts";
import { OTP_LIFETIME_MS, type OtpTarget } from "../../identity/one-time-codes.ts";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import { END_USER_LIMITS } from "../limits.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import type { EndUserCaller } from "../sessions/sessions.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { Newcomer, ProvenIdentities } from "../sign-in/proven-identity.ts";
import type { SignIn, SignInResult } from "../sign-in/sign-in.ts";
import type { OtpCodes } from "./otp-codes.ts";

/** Log-in, and sign-up, by a code that was sent to an address or a number. */
export interface OtpLogin {
  /** Answers alike whether there is a user or not. @throws AUTH_METHOD_DISABLED · RATE_LIMIT_EXCEEDED */
  send(projectId: string, target: OtpTarget, caller: EndUserCaller): Promise<void>;
  /** @throws AUTH_OTP_INVALID · AUTH_OTP_EXPIRED · RATE_LIMIT_EXCEEDED */
  verify(
    projectId: string,
    target: OtpTarget,
    code: string,
    newcomer: Omit<Newcomer, "method" | "caller">,
    caller: EndUserCaller,
  ): Promise<SignInResult>;
}

export interface OtpLoginOptions {
  readonly codes: OtpCodes;
  readonly knownNetworks: Pick<KnownNetworks, "originOf">;
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly messages: EndUserMessages;
  readonly identities: ProvenIdentities;
  readonly signIn: SignIn;
}

export function createOtpLogin(options: OtpLoginOptions): OtpLogin {
  const { codes, knownNetworks, limiter, settings, messages, identities, signIn } = options;

  async function requireEnabled(projectId: string, target: OtpTarget): Promise<void> {
    const { otp } = await settings.of(projectId);
    if ("email" in target ? otp.email : otp.phone) return;
    throw new AerostackError("AUTH_METHOD_DISABLED");
  }

  /** Networks count as known once it was proven that the user is who the target belongs to. */
  async function originOf(projectId: string, target: OtpTarget, { ip }: EndUserCaller): Promise<AttemptOrigin> {
    const user = await identities.find(projectId, target);
    const provenAt = "email" in target ? user?.email_verified_at : user?.phone_verified_at;
    return await knownNetworks.originOf(user !== undefined && provenAt !== null ? user.id : null, ip);
  }

  /** What limits count together: whatever comes from one known network, and whatever comes from anywhere else. */
  function limitKeyOf(target: OtpTarget, { network }: AttemptOrigin): string {
    const text = "email" in target ? target.email : target.phone;
    return network === null ? text : `${text}:${network}`;
  }

  return {
    async send(projectId, target, caller) {
      await requireEnabled(projectId, target);
      const text = "email" in target ? target.email : target.phone;
      const origin = await originOf(projectId, target, caller);
      const limitKey = limitKeyOf(target, origin);
      await requireAllowed(limiter, `end-users:${projectId}:otp-send:${limitKey}`, END_USER_LIMITS.otpSendPerTarget);
      const code = await codes.create(projectId, target, origin);
      messages.inBackground("sending a code", async () => {
        const { signUp } = await settings.of(projectId);
        if (signUp === "closed" && (await identities.find(projectId, target)) === undefined) return;
        const kind = "email" in target ? "otp-email" : "otp-phone";
        await messages.send({ projectId, kind, to: text, code, usefulForMs: OTP_LIFETIME_MS });
      });
    },

    async verify(projectId, target, code, newcomer, caller) {
      await requireEnabled(projectId, target);
      const origin = await originOf(projectId, target, caller);
      const limitKey = limitKeyOf(target, origin);
      await requireAllowed(
        limiter,
        `end-users:${projectId}:otp-verify:${limitKey}`,
        END_USER_LIMITS.otpVerifyPerTarget,
      );
      await codes.verify(projectId, target, code, origin);
      const user = await identities.userOf(projectId, target, { ...newcomer, method: "otp", caller });
      const method = "email" in target ? "otp" : "sms";
      return await signIn.finish(user, [method], caller, newcomer.anonymousUserId);
    },
  };
}
