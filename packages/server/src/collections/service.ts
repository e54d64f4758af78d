import {
  AerostackError,
  type CollectionChange,
  type CollectionDefinition,
  type CollectionRules,
} from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { DatabaseService, SqlStatement } from "../database/service.ts";
import { noteNothingChanged } from "../kernel/call-context.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import { toIso } from "../kernel/page.ts";
import type { Catalog } from "./catalog.ts";
import { type Collection, compileDefinition } from "./definition.ts";
import { type DefinitionStore, mainDatabase } from "./definition-store.ts";
import { collectionNotFound } from "./errors.ts";
import type { SchemaCompiler } from "./schema/compile-validator.ts";
import { quoted } from "./sql-condition.ts";
import { planTable } from "./table/plan-table.ts";

/**
 * Responsible for which collections a project has and for their tables. Who may do what with items is `items/`; events of
 * changed rows are the data host's.
 */
export interface CollectionServiceOptions {
  readonly databases: DatabaseService;
  readonly store: DefinitionStore;
  readonly catalog: Catalog;
  readonly schemas: SchemaCompiler;
  readonly limiter: Limiter;
  readonly clock: Clock;
  readonly audit: Audit;
}

export interface PutOptions {
  readonly allowDestructive: boolean;
  /** Only says what would be done. */
  readonly dryRun: boolean;
}

export interface PutOutcome {
  readonly collection: Collection;
  readonly created: boolean;
  readonly changes: readonly CollectionChange[];
}

const MAX_COLLECTIONS = 200;
/** Definitions of one project: compiling a large schema holds up everybody for a moment. */
const PUT_POLICY = { limit: 120, windowMs: 60_000 };

export function createCollectionService({
  databases,
  store,
  catalog,
  schemas,
  limiter,
  clock,
  audit,
}: CollectionServiceOptions) {
  /** Names of the columns of the collection's table; undefined where there is none. */
  async function columnsInPlace(projectId: string, name: string): Promise<ReadonlySet<string> | undefined> {
    const { rows } = await databases.query(
      mainDatabase(projectId),
      { sql: "SELECT name FROM pragma_table_xinfo(?)", params: [name] },
      "platform",
    );
    return rows.length === 0 ? undefined : new Set(rows.map(([column]) => String(column)));
  }

  /** As it is stored now, whatever is remembered; null for one whose stored definition is not valid. */
  async function current(projectId: string, name: string) {
    const stored = await store.find(projectId, name);
    if (stored === undefined) return { stored: undefined, collection: null };
    try {
      return { stored, collection: catalog.compile(stored) };
    } catch {
      return { stored, collection: null };
    }
  }

  async function requireCurrent(projectId: string, name: string): Promise<Collection> {
    const { stored } = await current(projectId, name);
    if (stored === undefined) throw collectionNotFound(name);
    return catalog.compile(stored);
  }

  async function run(projectId: string, name: string, statements: readonly SqlStatement[]): Promise<void> {
    try {
      await databases.batch(mainDatabase(projectId), [store.prepare(), ...statements], {
        mode: "platform",
        atomic: true,
      });
    } catch (error) {
      throw explain(error, name);
    } finally {
      catalog.changed(projectId);
    }
  }

  function explain(error: unknown, name: string): unknown {
    if (!(error instanceof AerostackError)) return error;
    if (store.isRaceLost(error)) {
      return new AerostackError("CONFLICT", {
        message: `The collection '${name}' was changed by somebody else at the same time.`,
        cause: error,
      });
    }
    if (error.message.startsWith("UNIQUE constraint failed")) {
      return new AerostackError("CONFLICT", {
        message: `Items of '${name}' have the same values where they would have to differ: ${error.message}`,
        fix: "Change those items, or leave out the unique index.",
        cause: error,
      });
    }
    return error;
  }

  /** Not in the transaction of the change, which is one of the project's own database. */
  async function note(
    projectId: string,
    name: string,
    what: "created" | "changed" | "deleted",
    change: { readonly before?: unknown; readonly after?: unknown },
  ): Promise<void> {
    await audit.record(null, {
      action: `collection.${what}`,
      target: { kind: "collection", id: name },
      projectId,
      ...change,
    });
  }

  async function put(
    projectId: string,
    name: string,
    definition: CollectionDefinition,
    { allowDestructive, dryRun }: PutOptions,
  ): Promise<PutOutcome> {
    await requireAllowed(limiter, `collections ${projectId}`, PUT_POLICY);
    const compiled = compileDefinition(definition, schemas);
    const { stored, collection: previous } = await current(projectId, name);
    const existing = await columnsInPlace(projectId, name);
    if (stored === undefined) {
      if (existing !== undefined) {
        throw new AerostackError("CONFLICT", {
          message: `There is a table '${name}' already, which is no collection.`,
          fix: "Name the collection differently, or move the table's rows and drop it.",
        });
      }
      if ((await store.names(projectId)).length >= MAX_COLLECTIONS) {
        throw new AerostackError("CONFLICT", { message: `A project has at most ${MAX_COLLECTIONS} collections.` });
      }
    }
    const plan = planTable(name, previous, compiled, existing);
    const now = clock.now();
    const next = {
      name,
      version: (stored?.version ?? 0) + 1,
      id: stored?.id ?? createId("col", now),
      definition: JSON.stringify(definition),
      createdAt: stored?.createdAt ?? toIso(now),
      updatedAt: toIso(now),
    };
    const changes = [...plan.changes];
    const isSame = stored?.definition === next.definition;
    if (stored !== undefined && !isSame && changes.length === 0)
      changes.push({ what: "change the definition", destructive: false });
    const outcome = { collection: { ...next, ...compiled }, created: stored === undefined, changes };
    const losses = changes.filter(({ destructive }) => destructive);
    if (losses.length > 0 && !allowDestructive && !dryRun) {
      throw new AerostackError("CONFLICT", {
        message: `Changing '${name}' would lose data: ${losses.map(({ what }) => what).join(", ")}.`,
        fix: "Allow it (`--allow-destructive`, or allowDestructive: true), or keep those fields as they are.",
        details: { changes },
      });
    }
    if (dryRun) {
      noteNothingChanged();
      return outcome;
    }
    if (isSame && changes.length === 0 && previous !== null) {
      noteNothingChanged();
      return { ...outcome, collection: previous };
    }
    const statements = plan.statements.map((sql) => ({ sql }));
    await run(projectId, name, [...store.replace(next), ...statements]);
    await note(projectId, name, stored === undefined ? "created" : "changed", {
      before: stored === undefined ? undefined : parsed(stored.definition),
      after: definition,
    });
    return outcome;
  }

  return {
    put,

    async list(projectId: string): Promise<readonly Collection[]> {
      return (await store.list(projectId)).map(catalog.compile);
    },

    /** @throws NOT_FOUND */
    require: requireCurrent,

    /** @throws NOT_FOUND */
    async setRules(projectId: string, name: string, rules: CollectionRules): Promise<Collection> {
      const { definition } = await requireCurrent(projectId, name);
      const options = { allowDestructive: false, dryRun: false };
      return (await put(projectId, name, { ...definition, rules }, options)).collection;
    },

    /** With its table and all items. @throws NOT_FOUND */
    async delete(projectId: string, name: string): Promise<void> {
      const { stored } = await current(projectId, name);
      if (stored === undefined) throw collectionNotFound(name);
      // The next version fails where somebody has just made one; then nothing of it may be dropped.
      const guard = store.replace({ ...stored, version: stored.version + 1 });
      const drop = { sql: `DROP TABLE IF EXISTS ${quoted(name)}` };
      await run(projectId, name, [...guard, store.remove(name), drop]);
      await note(projectId, name, "deleted", { before: parsed(stored.definition) });
    },
  };
}

/** A stored definition may be older than the rules for definitions, and is JSON in any case. */
function parsed(definition: string): unknown {
  return JSON.parse(definition);
}

export type CollectionService = ReturnType<typeof createCollectionService>;
