import { AerostackError, type CollectionOperation } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import {
  type DatabaseService,
  rowObjects,
  type SqlParameter,
  type SqlRows,
  type SqlStatement,
} from "../../database/service.ts";
import type { Catalog } from "../catalog.ts";
import type { Collection } from "../definition.ts";
import { type DefinitionStore, mainDatabase } from "../definition-store.ts";
import { collectionNotFound, itemNotFound } from "../errors.ts";
import { columnSql, ITEM_ALIAS } from "../field-sql.ts";
import { evaluateRule } from "../rules/evaluate-rule.ts";
import type { RuleUser } from "../rules/rule.ts";
import { fieldsOfRule } from "../rules/rule-fields.ts";
import { ruleToSql } from "../rules/rule-to-sql.ts";
import { quoted, toWhere } from "../sql-condition.ts";
import type { ItemCaller } from "./caller.ts";
import { changeItem, newItem, nextUpdateTime } from "./item-change.ts";
import { encodeValue, type Item, toItem } from "./item-codec.ts";
import { explainFailure, forbidden, invalidItem, itemIsBusy, signInNeeded } from "./item-errors.ts";
import { createItemRepeats, type FirstUse, type Repeatable } from "./item-repeats.ts";
import { buildListQuery, type ListParameters } from "./list-query.ts";
import { encodeCursor } from "./sort.ts";

/**
 * Responsible for the items of collections: what the rules let a caller do is done, everything else is refused. A row that a
 * caller may not see is answered like one that is not there.
 */
export interface ItemServiceOptions {
  readonly databases: DatabaseService;
  readonly store: DefinitionStore;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

export interface ItemPage {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
  readonly total?: number;
}

/** An item by its id alone (`collection` null), or within its collection. */
export interface ItemAddress {
  readonly projectId: string;
  readonly collection: string | null;
  readonly id: string;
}

export interface CreatedItem {
  readonly item: Item;
  /** It was there already, from the first call with the same key. */
  readonly isRepeat: boolean;
}

type Row = Readonly<Record<string, unknown>>;

/** A row of a table, by column. */
export interface TableRow {
  readonly table: string;
  readonly row: Row;
  /** Columns of which it is not known what is in them: a rule that reads one lets nobody see the row. */
  readonly unknown: readonly string[];
}

/** An item is looked at, judged and changed; when it changed between, that is done again. */
const MAX_ATTEMPTS = 5;
/** What follows the collection's name in the ids of items: of the API, and of a column's default. */
const OWN_ID = /^[0-9a-z]{26}$/;

export function createItemService({ databases, store, catalog, clock }: ItemServiceOptions) {
  const repeats = createItemRepeats({ databases, clock });

  async function requireCollection(projectId: string, name: string): Promise<Collection> {
    const collection = await catalog.find(projectId, name);
    if (collection === undefined) throw collectionNotFound(name);
    return collection;
  }

  async function run(
    projectId: string,
    collection: Pick<Collection, "name">,
    statement: SqlStatement,
  ): Promise<SqlRows> {
    try {
      return await databases.query(mainDatabase(projectId), statement, "data");
    } catch (error) {
      throw explainFailure(error, collection);
    }
  }

  async function findRow(projectId: string, collection: Collection, id: string): Promise<Row | undefined> {
    const names = [...collection.columns.keys()].map(columnSql).join(", ");
    const sql = `SELECT ${names} FROM ${quoted(collection.name)} AS ${ITEM_ALIAS} WHERE ${columnSql("id")} = ?`;
    const [row] = rowObjects(await run(projectId, collection, { sql, params: [id] }));
    return row;
  }

  interface Found {
    readonly collection: Collection;
    readonly row: Row;
  }

  /** @throws NOT_FOUND */
  async function find({ projectId, collection: name, id }: ItemAddress): Promise<Found> {
    if (name === null) return await findAnywhere(projectId, id);
    const collection = await requireCollection(projectId, name);
    const row = await findRow(projectId, collection, id);
    if (row === undefined) throw itemNotFound();
    return { collection, row };
  }

  /** Ids made here begin with their collection's name; those that SQL gave are looked for in each. */
  async function findAnywhere(projectId: string, id: string): Promise<Found> {
    const end = Math.max(0, id.lastIndexOf("_"));
    const named = await findIn(projectId, id.slice(0, end), id);
    if (named !== undefined) return named;
    // One that was made here and is gone: strangers ask for many such, and each search looks into every collection.
    const isOurs = OWN_ID.test(id.slice(end + 1)) && (await catalog.find(projectId, id.slice(0, end))) !== undefined;
    if (isOurs) throw itemNotFound();
    const found: Found[] = [];
    for (const name of await store.names(projectId)) {
      const one = await findIn(projectId, name, id);
      if (one !== undefined) found.push(one);
    }
    const [only] = found;
    // Of two items with one id neither is meant more than the other; the longer address tells them apart.
    if (only === undefined || found.length > 1) throw itemNotFound();
    return only;
  }

  async function findIn(projectId: string, name: string, id: string): Promise<Found | undefined> {
    try {
      const collection = name === "" ? undefined : await catalog.find(projectId, name);
      const row = collection === undefined ? undefined : await findRow(projectId, collection, id);
      return collection === undefined || row === undefined ? undefined : { collection, row };
    } catch (error) {
      // A collection that is broken does not hide the items of others.
      if (error instanceof AerostackError && error.code === "CONFLICT") return undefined;
      throw error;
    }
  }

  function isAllowed(
    { rules }: Collection,
    operation: CollectionOperation,
    { isTrusted, user }: ItemCaller,
    facts: { readonly row?: Item; readonly new?: Item },
  ): boolean {
    return isTrusted || evaluateRule(rules[operation], { user, ...facts });
  }

  function isSeen(collection: Collection, caller: ItemCaller, row: Item): boolean {
    return isAllowed(collection, "get", caller, { row }) || isAllowed(collection, "list", caller, { row });
  }

  /** Whether the caller is refused whatever the item is. */
  function isClosed({ rules, columns }: Collection, operation: CollectionOperation, caller: ItemCaller): boolean {
    return !caller.isTrusted && ruleToSql(rules[operation], { user: caller.user, columns }) === false;
  }

  function refusal({ rules }: Collection, operation: CollectionOperation, { user }: ItemCaller): AerostackError {
    const { op, ...rest } = rules[operation];
    const isNone = op === "constant" && "value" in rest && !rest.value;
    return user === null && !isNone ? signInNeeded(operation) : forbidden(operation);
  }

  return {
    async list(projectId: string, name: string, parameters: ListParameters, caller: ItemCaller): Promise<ItemPage> {
      const collection = await requireCollection(projectId, name);
      if (isClosed(collection, "list", caller)) throw refusal(collection, "list", caller);
      const viewer = caller.isTrusted ? null : { user: caller.user };
      const { page, count, keys, fields } = buildListQuery(collection, parameters, viewer);
      const [found, counted] = await readPage(projectId, collection, page, count);
      const rows = rowObjects(found);
      const last = rows[parameters.limit - 1];
      return {
        items: rows.slice(0, parameters.limit).map((row) => toItem(row, collection.columns, fields)),
        nextCursor: rows.length > parameters.limit && last !== undefined ? encodeCursor(keys, last) : null,
        ...(counted === undefined ? {} : { total: Number(counted.rows[0]?.[0] ?? 0) }),
      };
    },

    async get(address: ItemAddress, caller: ItemCaller): Promise<Item> {
      const { collection, row } = await find(address);
      const item = toItem(row, collection.columns);
      if (!isAllowed(collection, "get", caller, { row: item })) throw itemNotFound();
      return item;
    },

    async create(projectId: string, name: string, body: Row, caller: ItemCaller): Promise<Item> {
      const collection = await requireCreatable(projectId, name, caller);
      const item = judgeNew(collection, body, caller);
      await run(projectId, collection, insertion(collection, item));
      return item;
    },

    /**
     * Creates an item once for each key, and answers repeats for a day what the first call answered.
     *
     * @param key of the caller's choice, an `Idempotency-Key`
     * @throws IDEMPOTENCY_KEY_REUSED where it came with another body
     */
    async createOnce(
      projectId: string,
      name: string,
      body: Row,
      caller: ItemCaller,
      key: string,
    ): Promise<CreatedItem> {
      const collection = await requireCreatable(projectId, name, caller);
      const repeatable = repeats.identify(key, name, caller, body);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const first = await repeats.find(projectId, repeatable);
        if (first.item !== undefined) return { item: first.item, isRepeat: true };
        const item = judgeNew(collection, body, caller);
        if (await insertOnce(projectId, collection, item, repeatable, first)) return { item, isRepeat: false };
      }
      throw itemIsBusy();
    },

    /** Changes the fields that are sent; null takes a field's value away. */
    async update(address: ItemAddress, body: Row, caller: ItemCaller): Promise<Item> {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const { collection, row } = await find(address);
        const before = toItem(row, collection.columns);
        const judged = changeItem(collection, before, body, caller);
        if ("errors" in judged) {
          // Who may not know of the item is told nothing about what fits into it.
          throw isSeen(collection, caller, before) ? invalidItem(judged.errors) : itemNotFound();
        }
        const { set, after } = judged.value;
        if (!isAllowed(collection, "update", caller, { row: before, new: after })) {
          throw isSeen(collection, caller, before) ? refusal(collection, "update", caller) : itemNotFound();
        }
        const time = nextUpdateTime(row.updated_at, clock.now());
        if (await writeChange(address, collection, { set, time, seen: row }, caller)) {
          return { ...after, updated_at: time };
        }
      }
      throw itemIsBusy();
    },

    async remove(address: ItemAddress, caller: ItemCaller): Promise<void> {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const { collection, row } = await find(address);
        const item = toItem(row, collection.columns);
        if (!isAllowed(collection, "delete", caller, { row: item })) {
          throw isSeen(collection, caller, item) ? refusal(collection, "delete", caller) : itemNotFound();
        }
        const { columns, rules } = collection;
        const where = toWhere(caller.isTrusted || ruleToSql(rules.delete, { user: caller.user, columns }));
        const { meta } = await run(address.projectId, collection, {
          sql: `DELETE FROM ${quoted(collection.name)} AS ${ITEM_ALIAS} WHERE "id" = ? AND ${where.sql}`,
          params: [address.id, ...where.params],
        });
        if (meta.changes > 0) return;
      }
      throw itemIsBusy();
    },

    /** Whether a user would find a row in a list: for those who are told of changes. False for a table that is no collection. */
    async mayRead(projectId: string, { table, row, unknown }: TableRow, user: RuleUser | null): Promise<boolean> {
      // One whose stored definition is broken is closed.
      const collection = await catalog.find(projectId, table).catch(() => undefined);
      if (collection === undefined) return false;
      const rule = collection.rules.list;
      if (unknown.length > 0) {
        const read = fieldsOfRule(rule);
        if (unknown.some((column) => read.has(column))) return false;
      }
      return evaluateRule(rule, { user, row: toItem(row, collection.columns) });
    },
  };

  /** Before the body is looked at: what is wrong with it tells the schema. */
  async function requireCreatable(projectId: string, name: string, caller: ItemCaller): Promise<Collection> {
    const collection = await requireCollection(projectId, name);
    if (isClosed(collection, "create", caller)) throw refusal(collection, "create", caller);
    return collection;
  }

  function judgeNew(collection: Collection, body: Row, caller: ItemCaller): Item {
    const now = clock.now();
    const judged = newItem(collection, body, caller, { id: createId(collection.name, now), now });
    if ("errors" in judged) throw invalidItem(judged.errors);
    if (!isAllowed(collection, "create", caller, { new: judged.value })) throw refusal(collection, "create", caller);
    return judged.value;
  }

  /** @returns false where another call with the same key was first */
  async function insertOnce(
    projectId: string,
    collection: Collection,
    item: Item,
    repeatable: Repeatable,
    first: FirstUse,
  ): Promise<boolean> {
    const statements = [...repeats.remember(repeatable, item, first), insertion(collection, item)];
    try {
      await databases.batch(mainDatabase(projectId), statements, { mode: "data", atomic: true });
      return true;
    } catch (error) {
      if (repeats.wasOvertaken(error)) return false;
      throw explainFailure(error, collection);
    }
  }

  async function readPage(
    projectId: string,
    collection: Collection,
    page: SqlStatement,
    count: SqlStatement | undefined,
  ): Promise<readonly [SqlRows, SqlRows?]> {
    if (count === undefined) return [await run(projectId, collection, page)];
    const options = { mode: "data", atomic: true } as const;
    try {
      const results = await databases.batch(mainDatabase(projectId), [page, count], options);
      return results as unknown as readonly [SqlRows, SqlRows];
    } catch (error) {
      throw explainFailure(error, collection);
    }
  }

  /**
   * Writes a change to the row that was judged: where something that the rule looked at has changed meanwhile, or the item by
   * another call, nothing is written. The fields looked at are set to what they are, too: SQLite then reads each once, and
   * the statement is one that the data host runs in its own process.
   *
   * @returns whether it was written
   */
  async function writeChange(
    { projectId, id }: ItemAddress,
    { columns, rules, name }: Collection,
    { set, time, seen }: { readonly set: Row; readonly time: string; readonly seen: Row },
    caller: ItemCaller,
  ): Promise<boolean> {
    const judgedBy = caller.isTrusted ? [] : [...fieldsOfRule(rules.update)];
    const kept = [...new Set(["updated_at", ...judgedBy])].filter((field) => field !== "id");
    const values = new Map<string, SqlParameter>(kept.map((field) => [field, stored(seen, field)]));
    for (const [field, value] of Object.entries(set)) {
      const column = columns.get(field);
      if (column !== undefined) values.set(field, encodeValue(column, value));
    }
    values.set("updated_at", time);
    const assignments = [...values.keys()].map((field) => `${quoted(field)} = ?`).join(", ");
    const conditions = ['"id" = ?', ...kept.map((field) => `${quoted(field)} IS ?`)].join(" AND ");
    const { meta } = await run(
      projectId,
      { name },
      {
        sql: `UPDATE ${quoted(name)} SET ${assignments} WHERE ${conditions}`,
        params: [...values.values(), id, ...kept.map((field) => stored(seen, field))],
      },
    );
    return meta.changes > 0;
  }
}

function insertion({ name, columns: byName }: Collection, item: Item): SqlStatement {
  const columns = [...byName.values()];
  const names = columns.map((column) => quoted(column.name)).join(", ");
  return {
    sql: `INSERT INTO ${quoted(name)} (${names}) VALUES (${columns.map(() => "?").join(", ")})`,
    params: columns.map((column) => encodeValue(column, item[column.name])),
  };
}

function stored(row: Row, field: string): SqlParameter {
  return (row[field] ?? null) as SqlParameter;
}

export type ItemService = ReturnType<typeof createItemService>;
