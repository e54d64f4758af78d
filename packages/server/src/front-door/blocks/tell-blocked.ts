import type { Notices } from "../../notices/service.ts";
import type { BlocksOptions } from "./service.ts";

export interface TellBlockedOptions {
  readonly notices: Pick<Notices, "sendInBackground">;
  readonly contact: () => string;
}

const NO_END = "until it is lifted";

/** Tells an account, or the owners of a project or organisation, that it is blocked or is not any more, and how to object. */
export function createTellBlocked({ notices, contact }: TellBlockedOptions): BlocksOptions["onChanged"] {
  return (row, { name, accountIds }, what) => {
    for (const accountId of accountIds) {
      if (what === "unblocked") {
        notices.sendInBackground({ accountId, template: "unblocked", data: { what: name, block: row.id } });
        continue;
      }
      const data = {
        what: name,
        block: row.id,
        since: new Date(row.created_at),
        until: row.ends_at === null ? NO_END : new Date(row.ends_at),
        reason: row.is_reason_public === 1 ? row.reason : null,
        contact: contact(),
      };
      notices.sendInBackground({ accountId, template: "blocked", data });
    }
  };
}
