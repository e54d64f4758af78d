import { type EndUserSettings, endUserSettingsSchema } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../../audit/record.ts";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import { parseInput } from "../../kernel/parse-input.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserTables } from "../tables.ts";
import { checkSettings } from "./check-settings.ts";
import { mergePatch } from "./merge-patch.ts";
import { changeSecrets, type SettingsSecrets, splitSecrets } from "./settings-secrets.ts";

export interface SettingsReader {
  /** The settings in force; at most a second old. */
  of(projectId: string): Promise<EndUserSettings>;
  /** The credentials among them, by path. */
  secretsOf(projectId: string): Promise<SettingsSecrets>;
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
  readonly envelope: Envelope;
  readonly audit: Audit;
}

interface StoredSettings {
  readonly settings: EndUserSettings;
  readonly sealedSecrets: string | null;
}

const DEFAULTS: StoredSettings = { settings: endUserSettingsSchema.parse({}), sealedSecrets: null };

export function createEndUserSettings(options: EndUserSettingsOptions): EndUserSettingsService {
  const { sql, clock, changes, envelope, audit } = options;

  const cache = createCachedLookup<StoredSettings>({
    clock,
    changes,
    maxEntries: 5_000,
    async find(projectId) {
      const row = await read(sql.db, projectId);
      const value =
        row === undefined
          ? DEFAULTS
          : { settings: endUserSettingsSchema.parse(JSON.parse(row.settings)), sealedSecrets: row.secrets };
      return { value, expiresAtMs: null, subjects: [subjectOf(projectId)] };
    },
  });

  function open(projectId: string, sealed: string | null): SettingsSecrets {
    return sealed === null ? {} : JSON.parse(envelope.open(sealed, contextOf(projectId)));
  }

  return {
    of: async (projectId) => ((await cache.find(projectId)) ?? DEFAULTS).settings,
    secretsOf: async (projectId) => open(projectId, ((await cache.find(projectId)) ?? DEFAULTS).sealedSecrets),
    async update(projectId, change) {
      const split = splitSecrets(change);
      return await changes.commit(sql, [subjectOf(projectId)], async (trx) => {
        const row = await read(trx, projectId);
        const before: unknown = row === undefined ? {} : JSON.parse(row.settings);
        const merged = mergePatch(before, split.patch);
        const settings = parseInput(endUserSettingsSchema, merged, "settings");
        const secretsBefore = open(projectId, row?.secrets ?? null);
        const secrets = changeSecrets(secretsBefore, split);
        checkSettings(settings, secrets);
        const values = {
          settings: JSON.stringify(merged),
          secrets:
            Object.keys(secrets).length === 0 ? null : envelope.seal(JSON.stringify(secrets), contextOf(projectId)),
          updated_at: clock.now(),
        };
        await trx
          .insertInto("end_user_settings")
          .values({ project_id: projectId, ...values })
          .onConflict((conflict) => conflict.column("project_id").doUpdateSet(values))
          .execute();
        await audit.record(trx, {
          action: "end_user_settings.changed",
          target: { kind: "end_user_settings", id: projectId },
          projectId,
          before: { settings: before, secretNames: Object.keys(secretsBefore) },
          after: {
            settings: merged,
            secretNames: Object.keys(secrets),
            changedSecretNames: Object.keys(split.secrets),
          },
        });
        return settings;
      });
    },
  };
}

async function read(db: Kysely<EndUserTables>, projectId: string) {
  return await db
    .selectFrom("end_user_settings")
    .select(["settings", "secrets"])
    .where("project_id", "=", projectId)
    .executeTakeFirst();
}

function subjectOf(projectId: string): string {
  return `end-user-settings:${projectId}`;
}

/** Where the credentials lie, for turning the master key over. */
export const endUserSettingsSeal: SealedColumn = {
  table: "end_user_settings",
  key: ["project_id"],
  column: "secrets",
  contextOf: ({ project_id: projectId = "" }) => contextOf(projectId),
};

function contextOf(projectId: string): string {
  return `end-user-settings/${projectId}`;
}
