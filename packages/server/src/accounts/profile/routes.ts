import { changeProfileRequestSchema, profileResponseSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { AccountService } from "../service.ts";
import type { AccountRow } from "../store.ts";
import type { createProfileChanger } from "./profile.ts";

const TAG = "Accounts";
const PATH = "/api/auth/profile";

export interface ProfileRoutesOptions {
  readonly accounts: Pick<AccountService, "require">;
  readonly changeProfile: ReturnType<typeof createProfileChanger>;
}

export function profileRoutes({ accounts, changeProfile }: ProfileRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: PATH,
      summary: "Get the account's profile",
      tag: TAG,
      auth: "account",
      response: { status: 200, schema: profileResponseSchema },
      handler: async ({ principal }) => showProfile(await accounts.require(principal.accountId)),
    }),
    defineRoute({
      method: "patch",
      path: PATH,
      summary: "Change the account's profile",
      description: "What is left out stays; null removes.",
      tag: TAG,
      auth: "account",
      body: changeProfileRequestSchema,
      response: { status: 200, schema: profileResponseSchema },
      handler: async ({ principal, body }) => showProfile(await changeProfile(principal, body)),
    }),
  ];
}

function showProfile({ name, time_zone, locale }: AccountRow) {
  return { profile: { name, timeZone: time_zone, locale } };
}
