import type { MessageTokenKind } from "../codes/one-time-tokens.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { withParameters } from "./redirect-urls.ts";

/** The addresses that links in messages lead to. */
export interface MessageLinks {
  /**
   * To where the caller wants the user to go, else to the application's site, else to a page of this server that does what
   * the link is for. The application reads `token` and `type` from the query.
   *
   * @param redirectTo checked against the project's list
   */
  to(kind: MessageTokenKind, projectId: string, token: string, redirectTo?: string): Promise<string>;
}

export interface MessageLinksOptions {
  readonly settings: SettingsReader;
  /** Where clients reach a project's auth addresses. */
  readonly authUrlOf: (projectId: string) => string;
}

export function createMessageLinks({ settings, authUrlOf }: MessageLinksOptions): MessageLinks {
  return {
    async to(kind, projectId, token, redirectTo) {
      const { urls } = await settings.of(projectId);
      const target = redirectTo ?? urls.site ?? `${authUrlOf(projectId)}/pages/${kind}`;
      return withParameters(target, { token, type: kind });
    },
  };
}
