import { AerostackError } from "@aerostack/contracts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import type { MessageLinks } from "../messages/message-links.ts";
import type { EndUserCaller } from "../sessions/sessions.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { Newcomer, ProvenIdentities } from "../sign-in/proven-identity.ts";
import type { SignIn, SignInResult } from "../sign-in/sign-in.ts";
import type { EndUserTables } from "../tables.ts";
import { type OneTimeTokens, TOKEN_KINDS } from "./one-time-tokens.ts";

/** Log-in, and sign-up, by a link that was sent to an address. */
export interface MagicLinks {
  /** Answers alike whether there is a user or not. @throws AUTH_METHOD_DISABLED · VALIDATION_ERROR without a place to go */
  send(projectId: string, email: string, redirectTo: string | undefined): Promise<void>;
  /** @throws AUTH_TOKEN_INVALID */
  verify(
    projectId: string,
    token: string,
    newcomer: Omit<Newcomer, "method" | "caller">,
    caller: EndUserCaller,
  ): Promise<SignInResult>;
}

export interface MagicLinksOptions {
  readonly sql: Sql<EndUserTables>;
  readonly tokens: OneTimeTokens;
  readonly settings: SettingsReader;
  readonly messages: EndUserMessages;
  readonly links: MessageLinks;
  readonly identities: ProvenIdentities;
  readonly signIn: SignIn;
}

export function createMagicLinks(options: MagicLinksOptions): MagicLinks {
  const { sql, tokens, settings, messages, links, identities, signIn } = options;
  return {
    async send(projectId, email, redirectTo) {
      const { magicLink, urls, signUp } = await settings.of(projectId);
      if (!magicLink.enabled) throw new AerostackError("AUTH_METHOD_DISABLED");
      if (redirectTo === undefined && urls.site === null) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: "The link has nowhere to lead.",
          fix: "Send redirectTo, or set urls.site in the project's end-user settings.",
          details: { fieldErrors: { redirectTo: ["is needed"] } },
        });
      }
      messages.inBackground("sending a log-in link", async () => {
        if (signUp === "closed" && (await identities.find(projectId, { email })) === undefined) return;
        const token = await tokens.create("magic-link", { projectId, userId: null, data: { email } });
        const link = await links.to("magic-link", projectId, token, redirectTo);
        const usefulForMs = TOKEN_KINDS["magic-link"].lifetimeMs;
        await messages.send({ projectId, kind: "magic-link", to: email, link, usefulForMs });
      });
    },

    async verify(projectId, token, newcomer, caller) {
      const { data } = await tokens.take(sql.db, "magic-link", projectId, token);
      const user = await identities.userOf(
        projectId,
        { email: String(data.email) },
        { ...newcomer, method: "magic-link", caller },
      );
      return await signIn.finish(user, ["email"], caller, newcomer.anonymousUserId);
    },
  };
}
