import { AerostackError } from "@aerostack/contracts";
import type { VerifiedEndUser } from "../endusers/sessions/token-verifier.ts";
import { type KeyLimits, requireScope } from "../keys/key-limits.ts";
import { findRule, passesRule } from "./channel-rules.ts";
import type { RealtimeRules } from "./rules.ts";
import { type Topic, tableOf } from "./topics.ts";

/** Who speaks over a connection. */
export interface Speaker {
  /** Null where only a user's token was given. */
  readonly access: "secret" | "public" | null;
  readonly user: VerifiedEndUser | null;
  /** What the key that was given is narrowed down to. */
  readonly limits?: KeyLimits | null | undefined;
}

/** Whether rows of a table may be listened to; each row is asked for apart. */
export type MayListenToTable = (projectId: string, table: string, user: VerifiedEndUser | null) => Promise<boolean>;

/**
 * What a speaker may do with a topic. A secret key: everything. Others: what the project's rule for the topic says. Without
 * a rule a public key, or a signed-in user, listens to channels; a signed-in user publishes to them too, a public key alone
 * does not; and rows of a collection are told to whoever its rules let list them. Rows come from the database only.
 */
export interface Permissions {
  /** @throws FORBIDDEN */
  requireListen(projectId: string, topic: Topic, speaker: Speaker): Promise<void>;
  /** @throws FORBIDDEN */
  requirePublish(projectId: string, topic: Topic, speaker: Speaker): Promise<void>;
  /** Whether a speaker who may listen to a table sees all its rows. */
  seesAllRows(projectId: string, topic: Topic, speaker: Speaker): boolean | Promise<boolean>;
}

export function createPermissions(mayListenToTable: MayListenToTable, rules: RealtimeRules): Permissions {
  /** Undefined where no rule fits. */
  async function allows(
    projectId: string,
    topic: Topic,
    what: "listen" | "publish",
    speaker: Speaker,
  ): Promise<boolean | undefined> {
    const found = findRule(await rules.of(projectId), topic.name);
    return found === undefined ? undefined : passesRule(found.rule[what], found.userId, speaker);
  }

  return {
    async requireListen(projectId, topic, speaker) {
      requireScope(speaker.limits, "realtime:read");
      // Changes of rows tell the rows.
      if (tableOf(topic) !== null) requireScope(speaker.limits, "db:read");
      if (speaker.access === "secret") return;
      const byRule = await allows(projectId, topic, "listen", speaker);
      if (byRule === true) return;
      const table = tableOf(topic);
      if (byRule === undefined && table === null) return;
      if (byRule === undefined && table !== null && (await mayListenToTable(projectId, table, speaker.user))) return;
      if (table === null) {
        throw new AerostackError("FORBIDDEN", {
          message: `The topic '${topic.name}' is not open to this caller.`,
          fix: "Sign the user in whom the topic's rule names, or use a secret key on a server.",
        });
      }
      throw new AerostackError("FORBIDDEN", {
        message: `The changes of '${table}' are not open to this caller.`,
        fix: "Let the collection's rule for list include the caller, give the topic a rule, or use a secret key on a server.",
      });
    },

    async requirePublish(projectId, topic, speaker) {
      requireScope(speaker.limits, "realtime:write");
      if (tableOf(topic) !== null) {
        throw new AerostackError("FORBIDDEN", {
          message: "Changes of rows are told by the database alone.",
          fix: "Write the row, or publish to a channel.",
        });
      }
      if (speaker.access === "secret") return;
      if ((await allows(projectId, topic, "publish", speaker)) ?? speaker.user !== null) return;
      throw new AerostackError("FORBIDDEN", {
        message: "A public key listens; it does not publish.",
        fix: "Sign the user in and send their token, give the topic a rule, or publish from a server with a secret key.",
      });
    },

    seesAllRows(projectId, topic, speaker) {
      if (speaker.access === "secret") return true;
      return allows(projectId, topic, "listen", speaker).then((byRule) => byRule === true);
    },
  };
}
