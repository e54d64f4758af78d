import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { checkFiles, driftDiff, driftError, findDrift } from "./migration-drift.ts";
import { type AppliedMigration, createMigrationLog, type Migration } from "./migration-log.ts";
import type { DatabaseAddress, DatabaseService } from "./service.ts";

export interface MigrationState {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly string[];
  /** Applied before, and not among those given. */
  readonly missing: readonly string[];
  /** What was changed outside migrations, as a diff. */
  readonly drift: string | null;
}

export interface ApplyOptions {
  /** Only says what would be done. */
  readonly dryRun: boolean;
  /** Takes what was changed outside migrations as the new state. */
  readonly acceptDrift: boolean;
}

/** Versioned changes of a database's schema: each is applied once, whole or not at all, and never changed afterwards. */
export function createMigrations(options: {
  readonly databases: DatabaseService;
  readonly clock: Clock;
  readonly splitStatements: (sql: string) => readonly string[];
}) {
  const { databases, clock, splitStatements } = options;
  const log = createMigrationLog(databases);

  async function driftOf(address: DatabaseAddress, applied: readonly AppliedMigration[]) {
    return applied.length === 0 ? [] : findDrift(applied, await log.liveSchema(address));
  }

  async function acceptDrift(
    address: DatabaseAddress,
    applied: readonly AppliedMigration[],
    drifted: ReturnType<typeof findDrift>,
  ): Promise<void> {
    const last = applied.at(-1);
    if (last === undefined || drifted.length === 0) return;
    const found = Object.fromEntries(drifted.map((object) => [object.key, object.found]));
    await log.noteObjects(address, last.name, { ...last.objects, ...found });
  }

  async function applyOne(address: DatabaseAddress, migration: Migration): Promise<void> {
    const statements = log.statementsOf(migration, splitStatements(migration.sql), clock.now());
    try {
      await databases.batch(address, statements, { mode: "platform", atomic: true });
    } catch (error) {
      if (!(error instanceof AerostackError)) throw error;
      if (error.message.includes("aerostack_migrations.name")) {
        throw new AerostackError("CONFLICT", {
          message: `The migration '${migration.name}' was applied by somebody else at the same time.`,
          fix: "Run the command again; what is applied already is left alone.",
          cause: error,
        });
      }
      throw new AerostackError(error.code, {
        message: `The migration '${migration.name}' failed and left nothing behind: ${error.message}`,
        fix: error.fix,
        details: { ...error.details, name: migration.name },
        cause: error,
      });
    }
  }

  return {
    async state(address: DatabaseAddress): Promise<MigrationState> {
      const applied = await log.read(address);
      const drifted = await driftOf(address, applied);
      return { applied, pending: [], missing: [], drift: drifted.length === 0 ? null : driftDiff(drifted) };
    },

    /**
     * Applies what is not applied yet, in the order of names.
     *
     * @throws DB_MIGRATION_DRIFT when a file was changed after it was applied, or the schema was changed by other means;
     * DB_QUERY_FAILED with the name of the file that failed; CONFLICT when somebody else applies the same
     */
    async apply(
      address: DatabaseAddress,
      migrations: readonly Migration[],
      { dryRun, acceptDrift: isAccepted }: ApplyOptions,
    ): Promise<MigrationState> {
      const applied = await log.read(address);
      checkFiles(applied, migrations);
      const drifted = await driftOf(address, applied);
      if (drifted.length > 0 && !isAccepted && !dryRun) throw driftError(drifted);

      const done = new Set(applied.map(({ name }) => name));
      const given = new Set(migrations.map(({ name }) => name));
      const missing = applied.map(({ name }) => name).filter((name) => !given.has(name));
      const pending = migrations.filter(({ name }) => !done.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
      if (dryRun) {
        const drift = drifted.length === 0 ? null : driftDiff(drifted);
        return { applied, pending: pending.map(({ name }) => name), missing, drift };
      }
      await acceptDrift(address, applied, drifted);
      for (const migration of pending) await applyOne(address, migration);
      return { applied: await log.read(address), pending: [], missing, drift: null };
    },
  };
}

export type Migrations = ReturnType<typeof createMigrations>;
