import { AerostackError } from "@aerostack/contracts";
import type { VerifiedEndUser } from "../endusers/sessions/token-verifier.ts";
import { type Topic, tableOf } from "./topics.ts";

/** Who speaks over a connection. */
export interface Speaker {
  /** Null where only a user's token was given. */
  readonly access: "secret" | "public" | null;
  readonly user: VerifiedEndUser | null;
}

/** Whether rows of a table may be listened to; each row is asked for apart where the answer is `rows`. */
export type MayListenToTable = (projectId: string, table: string, user: VerifiedEndUser | null) => Promise<boolean>;

/**
 * What a speaker may do with a topic: a secret key everything; a public key, or a signed-in user, listens to channels; a
 * signed-in user publishes to them too, a public key alone does not. Rows of tables are listened to by whoever the
 * collection's rules let list them, and come from the database only.
 */
export interface Permissions {
  /** @throws FORBIDDEN */
  requireListen(projectId: string, topic: Topic, speaker: Speaker): Promise<void>;
  /** @throws FORBIDDEN */
  requirePublish(topic: Topic, speaker: Speaker): void;
}

export function createPermissions(mayListenToTable: MayListenToTable): Permissions {
  return {
    async requireListen(projectId, topic, { access, user }) {
      const table = tableOf(topic);
      if (access === "secret" || table === null) return;
      if (await mayListenToTable(projectId, table, user)) return;
      throw new AerostackError("FORBIDDEN", {
        message: `The changes of '${table}' are not open to this caller.`,
        fix: "Let the collection's rule for list include the caller, or use a secret key on a server.",
      });
    },

    requirePublish(topic, { access, user }) {
      if (tableOf(topic) !== null) {
        throw new AerostackError("FORBIDDEN", {
          message: "Changes of rows are told by the database alone.",
          fix: "Write the row, or publish to a channel.",
        });
      }
      if (access === "secret" || user !== null) return;
      throw new AerostackError("FORBIDDEN", {
        message: "A public key listens; it does not publish.",
        fix: "Sign the user in and send their token, or publish from a server with a secret key.",
      });
    },
  };
}
