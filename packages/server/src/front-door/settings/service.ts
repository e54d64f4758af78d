import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../../audit/record.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { createKeyedSnapshot } from "../../kernel/change-feed/keyed-snapshot.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { FrontDoorTables } from "../tables.ts";
import { type FrontDoorSettings, frontDoorSettingsSchema, NO_SETTINGS } from "./front-door-settings.ts";

/** Whose settings are changed, and how the audit log tells it. */
export interface SettingsOwner {
  readonly id: string;
  readonly organisationId?: string;
}

export interface SettingsChange<Section extends keyof FrontDoorSettings> {
  readonly section: Section;
  /** `<thing>.<past verb>`, and what is shown before and after. */
  readonly action: string;
  /** May throw: then nothing is changed. */
  readonly change: (before: FrontDoorSettings[Section]) => FrontDoorSettings[Section];
}

/**
 * Responsible for what projects chose for their front door. Held in memory whole, because every request asks; a change is
 * known on every server within a second.
 */
export interface FrontDoorSettingsService {
  /** In memory: a look-up. @throws SERVICE_UNAVAILABLE when the database does not answer and nothing fresh is known */
  of(projectId: string): FrontDoorSettings | Promise<FrontDoorSettings>;
  /** True when `test` holds for somebody's settings; true as well while nothing is known yet. Costs no query. */
  someMay(test: (settings: FrontDoorSettings) => boolean): () => boolean;
  /** What is stored, changed in one transaction with its audit entry. */
  change<Section extends keyof FrontDoorSettings>(
    owner: SettingsOwner,
    change: SettingsChange<Section>,
  ): Promise<FrontDoorSettings[Section]>;
  deleteProject(projectId: string): Promise<void>;
}

export interface FrontDoorSettingsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  readonly log: Logger;
}

/** The id under which the installation's own settings stand. */
export const INSTALLATION = "";

const subjectOf = (projectId: string): string => `front-door:${projectId}`;

export function createFrontDoorSettings(options: FrontDoorSettingsOptions): FrontDoorSettingsService {
  const { clock, changes, audit, log } = options;
  const sql = options.sql.withTables<FrontDoorTables>();

  function parse(projectId: string, json: string): FrontDoorSettings {
    const parsed = frontDoorSettingsSchema.safeParse(JSON.parse(json));
    if (parsed.success) return parsed.data;
    // Written by a version that knew more: one project's row must not close every project's door.
    log.error({ projectId, problem: parsed.error.message }, "settings of a front door cannot be read");
    return NO_SETTINGS;
  }

  const snapshot = createKeyedSnapshot<FrontDoorSettings>({
    changes,
    subjectPrefix: subjectOf(""),
    async load(ids) {
      const all = sql.db.selectFrom("front_door_settings").selectAll();
      const rows = await (ids === null ? all : all.where("project_id", "in", ids)).execute();
      return new Map(rows.map((row) => [row.project_id, parse(row.project_id, row.settings)]));
    },
  });

  async function stored(db: Kysely<FrontDoorTables>, projectId: string): Promise<FrontDoorSettings> {
    const row = await db
      .selectFrom("front_door_settings")
      .select("settings")
      .where("project_id", "=", projectId)
      .executeTakeFirst();
    return row === undefined ? NO_SETTINGS : parse(projectId, row.settings);
  }

  return {
    of(projectId) {
      const found = snapshot.find(projectId);
      return found instanceof Promise ? found.then((settings) => settings ?? NO_SETTINGS) : (found ?? NO_SETTINGS);
    },

    someMay(test) {
      let seenRevision = -1;
      let some = true;
      return () => {
        const all = snapshot.all();
        if (all instanceof Promise) {
          // Whoever needs the settings themselves meets the failure.
          all.catch(() => undefined);
          return true;
        }
        if (snapshot.revision !== seenRevision) {
          seenRevision = snapshot.revision;
          some = all.values().some(test);
        }
        return some;
      };
    },

    async change({ id, organisationId }, { section, action, change }) {
      return await changes.commit(sql, [subjectOf(id)], async (trx) => {
        const before = await stored(trx, id);
        const after = change(before[section]);
        const settings = JSON.stringify({ ...before, [section]: after });
        const values = { settings, updated_at: clock.now() };
        await trx
          .insertInto("front_door_settings")
          .values({ project_id: id, ...values })
          .onConflict((conflict) => conflict.column("project_id").doUpdateSet(values))
          .execute();
        const isInstallation = id === INSTALLATION;
        await audit.record(trx, {
          action,
          target: isInstallation ? { kind: "installation", id: null } : { kind: "project", id },
          projectId: isInstallation ? null : id,
          organisationId: organisationId ?? null,
          before: before[section],
          after,
        });
        return after;
      });
    },

    async deleteProject(projectId) {
      await changes.commit(sql, [subjectOf(projectId)], async (trx) => {
        await trx.deleteFrom("front_door_settings").where("project_id", "=", projectId).execute();
        await trx.deleteFrom("firewall_hits").where("project_id", "=", projectId).execute();
      });
    },
  };
}
