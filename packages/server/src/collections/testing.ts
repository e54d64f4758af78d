// For tests only: collections on a real data host.
import { AerostackError, type CollectionDefinition, collectionDefinitionSchema } from "@aerostack/contracts";
import { createManualClock } from "@aerostack/kernel";
import type { z } from "zod";
import { NO_AUDIT } from "../audit/record.ts";
import { startTestDatabases } from "../database/data-host-testing.ts";
import { createMemoryBus } from "../kernel/bus/memory-bus.ts";
import { createMemoryLimiter } from "../kernel/limiter/memory-limiter.ts";
import { createCatalog } from "./catalog.ts";
import { type CompiledDefinition, compileDefinition } from "./definition.ts";
import { createDefinitionStore, mainDatabase } from "./definition-store.ts";
import type { ItemCaller } from "./items/caller.ts";
import { createItemService } from "./items/service.ts";
import { createSchemaCompiler } from "./schema/compile-validator.ts";
import { createCollectionService } from "./service.ts";

export const TRUSTED: ItemCaller = { isTrusted: true, user: null };
export const NOBODY: ItemCaller = { isTrusted: false, user: null };

export function userCaller(id: string, claims: Readonly<Record<string, unknown>> = {}): ItemCaller {
  return { isTrusted: false, user: { ...claims, id } };
}

export function definitionOf(given: z.input<typeof collectionDefinitionSchema>): CollectionDefinition {
  return collectionDefinitionSchema.parse(given);
}

/** A definition with these properties, compiled. */
export function compileProperties(properties: Record<string, unknown>, rest: object = {}): CompiledDefinition {
  const definition = definitionOf({ schema: { type: "object", properties }, ...rest });
  return compileDefinition(definition, createSchemaCompiler());
}

/** The error that something is refused with. */
export async function failureOf(work: Promise<unknown>): Promise<AerostackError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AerostackError) return error;
  throw new Error(`no refusal: ${String(error)}`);
}

export async function startTestCollections() {
  const test = await startTestDatabases();
  const { databases } = test;
  const clock = createManualClock(Date.UTC(2026, 5, 1));
  const bus = createMemoryBus();
  const store = createDefinitionStore(databases);
  const schemas = createSchemaCompiler();
  const catalog = createCatalog({ store, schemas, clock, bus });
  return {
    databases,
    clock,
    store,
    catalog,
    service: createCollectionService({
      databases,
      store,
      catalog,
      schemas,
      limiter: createMemoryLimiter({ clock }),
      clock,
      audit: NO_AUDIT,
    }),
    items: createItemService({ databases, store, catalog, clock }),
    /** As the owner in the console, or a function. */
    async sql(projectId: string, text: string, params: readonly (string | number | null)[] = []): Promise<unknown[][]> {
      const result = await databases.query(mainDatabase(projectId), { sql: text, params }, "full");
      return result.rows as unknown[][];
    },
    close: test.close,
  };
}

export type TestCollections = Awaited<ReturnType<typeof startTestCollections>>;
