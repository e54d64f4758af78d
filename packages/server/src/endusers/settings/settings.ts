import { type EndUserSettings, endUserSettingsSchema } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { parseInput } from "../../kernel/parse-input.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserTables } from "../tables.ts";
import { mergePatch } from "./merge-patch.ts";

export interface SettingsReader {
  /** The settings in force; at most a second old. */
  of(projectId: string): Promise<EndUserSettings>;
}

export interface EndUserSettingsService extends SettingsReader {
  /**
   * Changes what the merge patch names.
   *
   * @throws VALIDATION_ERROR naming what is wrong; nothing is changed then
   */
  update(projectId: string, patch: Readonly<Record<string, unknown>>): Promise<EndUserSettings>;
}

export interface EndUserSettingsOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
}

const DEFAULTS: EndUserSettings = endUserSettingsSchema.parse({});

export function createEndUserSettings({ sql, clock, changes }: EndUserSettingsOptions): EndUserSettingsService {
  const cache = createCachedLookup<EndUserSettings>({
    clock,
    changes,
    maxEntries: 5_000,
    async find(projectId) {
      const row = await sql.db
        .selectFrom("end_user_settings")
        .select("settings")
        .where("project_id", "=", projectId)
        .executeTakeFirst();
      const value = row === undefined ? DEFAULTS : endUserSettingsSchema.parse(JSON.parse(row.settings));
      return { value, expiresAtMs: null, subjects: [subjectOf(projectId)] };
    },
  });

  return {
    of: async (projectId) => (await cache.find(projectId)) ?? DEFAULTS,
    async update(projectId, patch) {
      return await changes.commit(sql, [subjectOf(projectId)], async (trx) => {
        const row = await trx
          .selectFrom("end_user_settings")
          .select("settings")
          .where("project_id", "=", projectId)
          .executeTakeFirst();
        const stored = row === undefined ? {} : JSON.parse(row.settings);
        const merged = mergePatch(stored, patch);
        const settings = parseInput(endUserSettingsSchema, merged, "settings");
        const values = { settings: JSON.stringify(merged), updated_at: clock.now() };
        await trx
          .insertInto("end_user_settings")
          .values({ project_id: projectId, ...values })
          .onConflict((conflict) => conflict.column("project_id").doUpdateSet(values))
          .execute();
        return settings;
      });
    },
  };
}

function subjectOf(projectId: string): string {
  return `end-user-settings:${projectId}`;
}
