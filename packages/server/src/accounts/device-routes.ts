import {
  deviceCodeRequestSchema,
  deviceCodeResponseSchema,
  deviceDecisionRequestSchema,
  deviceTokenRequestSchema,
  deviceTokenResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { DeviceLogins } from "./device-login.ts";
import type { AccountService } from "./service.ts";
import { showUser } from "./show-account.ts";

export interface DeviceRoutesOptions {
  readonly devices: DeviceLogins;
  readonly accounts: AccountService;
  /** Where the person's browser reaches this server. */
  readonly origin: () => string;
}

const TAG = "Device log-in";

const DESCRIPTIONS = {
  authorization_pending: "The code was not approved yet; ask again after the interval.",
  slow_down: "Asked too soon; the interval is five seconds longer from now on.",
  expired_token: "The code has expired or was used; start again.",
  access_denied: "The log-in was refused.",
} as const;

export function deviceRoutes({ devices, accounts, origin }: DeviceRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/device/code",
      summary: "Start a device log-in",
      description:
        "For programs without a browser (RFC 8628): show the user code and the address, then ask for the token. The body may be a form.",
      tag: TAG,
      auth: "none",
      body: deviceCodeRequestSchema,
      acceptsForm: true,
      response: { status: 200, schema: deviceCodeResponseSchema },
      handler: async ({ body, clientAddress }) => {
        const started = await devices.start(body.client_id, clientAddress);
        const page = `${origin()}/device`;
        return {
          device_code: started.deviceCode,
          user_code: started.userCode,
          verification_uri: page,
          verification_uri_complete: `${page}?user_code=${started.userCode}`,
          expires_in: started.expiresInSeconds,
          interval: started.intervalSeconds,
        };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/device/token",
      summary: "Ask whether a device log-in was approved",
      description:
        "Until then the answer is 400 with `error`: `authorization_pending`, `slow_down`, `expired_token` or `access_denied`. The body may be a form.",
      tag: TAG,
      auth: "none",
      body: deviceTokenRequestSchema,
      acceptsForm: true,
      response: { status: 200, schema: deviceTokenResponseSchema },
      handler: async ({ body }) => {
        const poll = await devices.poll(body.device_code, body.client_id);
        if (poll.state !== "approved") {
          const answer = { error: poll.state, error_description: DESCRIPTIONS[poll.state] };
          return Response.json(answer, { status: 400, headers: { "cache-control": "no-store" } });
        }
        return { api_key: poll.apiKey, user: showUser(await accounts.require(poll.accountId)) };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/device/decide",
      summary: "Approve or refuse a device log-in",
      tag: TAG,
      auth: "account",
      freshProof: ({ approve }) => approve,
      body: deviceDecisionRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_PROOF_REQUIRED", "NOT_FOUND"],
      handler: async ({ principal, body }) => {
        await devices.decide(principal.accountId, body.user_code, body.approve);
        return { success: true as const };
      },
    }),
  ];
}
