import {
  AerostackError,
  dataAuthResponseSchema,
  dataSigninRequestSchema,
  dataSignupRequestSchema,
} from "@aerostack/contracts";
import { type DataCall, defineOperation, type Operation } from "../edge/define-operation.ts";
import { toIso } from "../kernel/page.ts";
import type { HumanCheck } from "./human-check/human-check.ts";
import type { EndUserService } from "./service.ts";
import type { EndUserCaller } from "./sessions/sessions.ts";
import { showEndUser } from "./show-user.ts";
import type { SignInResult } from "./sign-in/sign-in.ts";

const TAG = "Data plane: end users";

function callerOf({ clientAddress, req }: DataCall): EndUserCaller {
  return { ip: clientAddress, userAgent: req.headers["user-agent"] ?? null };
}

/** Clients of these addresses know nothing but tokens: a step that is left is an error to them. */
function showTokens(result: SignInResult) {
  if (result.kind === "mfa-required") {
    throw new AerostackError("AUTH_MFA_REQUIRED", { details: { mfaToken: result.mfaToken } });
  }
  if (result.kind === "verification-required") throw new AerostackError("AUTH_EMAIL_NOT_VERIFIED");
  const { token, refreshToken, expiresAtMs, user } = result.session;
  const { id, email, name, createdAt, metadata } = showEndUser(user);
  return { token, user: { id, email, name, createdAt, metadata }, expiresAt: toIso(expiresAtMs), refreshToken };
}

/** Sign-up and log-in as the generated SDKs know them: with a project's key, public or secret. */
export function createEndUserOperations(service: EndUserService, human: HumanCheck): Operation[] {
  /** These addresses carry no token of a challenge: where the project asks for one, only its own servers may call. */
  async function requireOwnServer({ projectId, principal }: DataCall): Promise<void> {
    const isPublic = principal?.kind === "project" && principal.access === "public";
    if (isPublic && (await human.isAsked(projectId))) throw new AerostackError("AUTH_CAPTCHA_FAILED");
  }

  return [
    defineOperation({
      method: "post",
      path: "/v1/auth/signup",
      summary: "Register a user",
      tag: TAG,
      access: "key",
      permission: "users.write",
      body: dataSignupRequestSchema,
      response: { status: 201, schema: dataAuthResponseSchema },
      errors: ["AUTH_PASSWORD_WEAK", "AUTH_USER_EXISTS"],
      async handler({ call, body }) {
        await requireOwnServer(call);
        return showTokens(await service.register(call.projectId, body, callerOf(call)));
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/auth/signin",
      summary: "Log a user in",
      tag: TAG,
      access: "key",
      permission: "users.write",
      body: dataSigninRequestSchema,
      response: { status: 200, schema: dataAuthResponseSchema },
      errors: ["AUTH_INVALID_CREDENTIALS"],
      async handler({ call, body }) {
        await requireOwnServer(call);
        return showTokens(await service.login(call.projectId, body.email, body.password, callerOf(call)));
      },
    }),
  ];
}
