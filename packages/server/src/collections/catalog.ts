import { createHash } from "node:crypto";
import { AerostackError, collectionDefinitionSchema } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Bus } from "../kernel/bus/bus.ts";
import { type Collection, type CompiledDefinition, compileDefinition } from "./definition.ts";
import type { DefinitionStore, StoredDefinition } from "./definition-store.ts";
import type { SchemaCompiler } from "./schema/compile-validator.ts";

export interface CatalogOptions {
  readonly store: DefinitionStore;
  readonly schemas: SchemaCompiler;
  readonly clock: Clock;
  readonly bus: Bus;
}

/** What was read is believed for this long: a database may be restored or imported over without a word to anybody. */
const FRESH_MS = 1_000;
const MAX_REMEMBERED = 2_000;
const MAX_COMPILED = 500;
const CHANGED_TOPIC = "collections:changed";

interface Entry {
  readonly readAtMs: number;
  readonly loading: Promise<Collection | undefined>;
}

/** The collections of all projects as they are in force, compiled once for each change. */
export function createCatalog({ store, schemas, clock, bus }: CatalogOptions) {
  const entries = new Map<string, Entry>();
  // By the text alone: what it is compiled to is the same for everybody.
  const compiled = new Map<string, CompiledDefinition>();

  function compileText(text: string): CompiledDefinition {
    const key = createHash("sha256").update(text).digest("base64");
    const known = compiled.get(key);
    const found = known ?? compileDefinition(collectionDefinitionSchema.parse(JSON.parse(text)), schemas);
    compiled.delete(key);
    compiled.set(key, found);
    const [oldest] = compiled.keys();
    if (compiled.size > MAX_COMPILED && oldest !== undefined) compiled.delete(oldest);
    return found;
  }

  function compile(stored: StoredDefinition): Collection {
    const { name, id, version, createdAt, updatedAt } = stored;
    try {
      return { ...compileText(stored.definition), name, id, version, createdAt, updatedAt };
    } catch (cause) {
      throw new AerostackError("CONFLICT", {
        message: `The stored definition of the collection '${name}' is not valid.`,
        fix: "Push the collection's definition again.",
        cause,
      });
    }
  }

  function forget(projectId: string): void {
    for (const key of entries.keys()) if (key.startsWith(`${projectId} `)) entries.delete(key);
  }

  bus.subscribe(CHANGED_TOPIC, (projectId) => forget(String(projectId)));

  async function load(projectId: string, name: string): Promise<Collection | undefined> {
    const stored = await store.find(projectId, name);
    return stored === undefined ? undefined : compile(stored);
  }

  return {
    /** @throws CONFLICT for one whose stored definition is not valid */
    find(projectId: string, name: string): Promise<Collection | undefined> {
      const key = `${projectId} ${name}`;
      const before = entries.get(key);
      const now = clock.now();
      if (before !== undefined && Math.abs(now - before.readAtMs) < FRESH_MS) return before.loading;
      const loading = load(projectId, name);
      const entry: Entry = { readAtMs: now, loading };
      entries.delete(key);
      entries.set(key, entry);
      loading.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      const [oldest] = entries.keys();
      if (entries.size > MAX_REMEMBERED && oldest !== undefined) entries.delete(oldest);
      return loading;
    },

    compile,

    /** After a change: here at once, elsewhere as soon as they hear of it. */
    changed(projectId: string): void {
      forget(projectId);
      bus.publish(CHANGED_TOPIC, projectId);
    },
  };
}

export type Catalog = ReturnType<typeof createCatalog>;
