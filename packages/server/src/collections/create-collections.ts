import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { DatabaseService } from "../database/service.ts";
import type { Bus } from "../kernel/bus/bus.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import { createCatalog } from "./catalog.ts";
import { createDefinitionStore } from "./definition-store.ts";
import { createCallerReader, toRuleUser, type VerifiedUser, type VerifyUser } from "./items/caller.ts";
import { createItemService, type TableRow } from "./items/service.ts";
import { createItemOperations } from "./operations.ts";
import { createCollectionRoutes } from "./routes.ts";
import type { Rule } from "./rules/rule.ts";
import { createSchemaCompiler } from "./schema/compile-validator.ts";
import { createCollectionService } from "./service.ts";

export interface CollectionsOptions {
  readonly databases: DatabaseService;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly verifyUser: VerifyUser;
}

/** Collections put together: tables that a JSON Schema describes, with items for keys and users by rules. */
export function createCollections({ databases, clock, bus, limiter, audit, verifyUser }: CollectionsOptions) {
  const store = createDefinitionStore(databases);
  const schemas = createSchemaCompiler();
  const catalog = createCatalog({ store, schemas, clock, bus });
  const service = createCollectionService({ databases, store, catalog, schemas, limiter, clock, audit });
  const items = createItemService({ databases, store, catalog, clock });
  return {
    service,
    items,
    operations: createItemOperations({ items, callerOf: createCallerReader(verifyUser, clock) }),
    routes: createCollectionRoutes({ collections: service }),
    /** Whether anybody but a secret key may list items at all: which of them is asked row by row. */
    async isListed(projectId: string, table: string): Promise<boolean> {
      const collection = await catalog.find(projectId, table).catch(() => undefined);
      return collection !== undefined && !isClosed(collection.rules.list);
    },
    /**
     * Whether somebody may be told of a row of a table: the rule for list decides. False for tables that are no collection.
     *
     * @param user as an access token says; null for nobody
     */
    mayRead: (projectId: string, row: TableRow, user: VerifiedUser | null): Promise<boolean> =>
      items.mayRead(projectId, row, user === null ? null : toRuleUser(user)),
    /** As `generate types` of existing clients reads them. */
    async describe(projectId: string) {
      return (await service.list(projectId)).map(({ id, name, definition }) => ({
        id,
        name,
        slug: name,
        schema_component_id: id,
        schema: JSON.stringify(definition.schema),
      }));
    },
  };
}

export type Collections = ReturnType<typeof createCollections>;

function isClosed(rule: Rule): boolean {
  return rule.op === "constant" && !rule.value;
}
