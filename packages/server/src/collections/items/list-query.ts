import { AerostackError } from "@aerostack/contracts";
import type { SqlParameter, SqlStatement } from "../../database/service.ts";
import type { Collection } from "../definition.ts";
import { columnSql, ITEM_ALIAS } from "../field-sql.ts";
import type { RuleUser } from "../rules/rule.ts";
import { ruleToSql } from "../rules/rule-to-sql.ts";
import { all, quoted, type SqlCondition, toWhere } from "../sql-condition.ts";
import { filtersToSql } from "./filter.ts";
import { decodeCursor, isAfter, orderBy, parseSort, type SortKey } from "./sort.ts";

/** What the address of a list asks for; everything beyond the known parameters is a filter. */
export interface ListParameters extends Readonly<Record<string, unknown>> {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly sort?: string | undefined;
  readonly fields?: string | undefined;
  readonly filter?: string | undefined;
  readonly count?: "true" | "false" | undefined;
}

export interface ListQuery {
  /** One row more than the page has, to tell whether there is another. */
  readonly page: SqlStatement;
  readonly count: SqlStatement | undefined;
  readonly keys: readonly SortKey[];
  /** Fields to show; undefined: all. */
  readonly fields: ReadonlySet<string> | undefined;
}

/** Bound values of one statement (the data host's limit). */
const MAX_BOUND_VALUES = 100;

/**
 * The statements of a list: the caller's filters within what the rule lets them see.
 *
 * @param viewer null where no rule applies
 * @throws VALIDATION_ERROR
 */
export function buildListQuery(
  collection: Collection,
  parameters: ListParameters,
  viewer: { readonly user: RuleUser | null } | null,
): ListQuery {
  const { columns, rules, name } = collection;
  const { limit, cursor, sort, fields: fieldList, filter, count, ...rest } = parameters;
  const keys = parseSort(sort, columns);
  const fields = parseFields(fieldList, collection);
  const visible: SqlCondition = viewer === null || ruleToSql(rules.list, { user: viewer.user, columns });
  const matching = all([visible, filtersToSql({ parameters: rest, json: filter }, columns)]);
  const paged = cursor === undefined ? matching : all([matching, isAfter(keys, decodeCursor(cursor, keys))]);
  const shown = [...columns.keys()].filter(
    (column) => fields === undefined || fields.has(column) || keys.some((key) => key.column.name === column),
  );
  const where = toWhere(paged);
  const selected = shown.map(columnSql).join(", ");
  const table = `${quoted(name)} AS ${ITEM_ALIAS}`;
  return {
    page: statement(`SELECT ${selected} FROM ${table} WHERE ${where.sql} ORDER BY ${orderBy(keys)} LIMIT ?`, [
      ...where.params,
      limit + 1,
    ]),
    count: count === "true" ? countOf(table, matching) : undefined,
    keys,
    fields,
  };
}

function countOf(table: string, matching: SqlCondition): SqlStatement {
  const { sql, params } = toWhere(matching);
  return statement(`SELECT count(*) FROM ${table} WHERE ${sql}`, params);
}

function statement(sql: string, params: readonly SqlParameter[]): SqlStatement {
  if (params.length <= MAX_BOUND_VALUES) return { sql, params };
  throw new AerostackError("VALIDATION_ERROR", { message: "The filter and the rule together have too many values." });
}

function parseFields(text: string | undefined, { columns }: Collection): ReadonlySet<string> | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const fields = new Set(["id"]);
  for (const name of text.split(",").map((one) => one.trim())) {
    if (name === "") continue;
    if (!columns.has(name)) {
      throw new AerostackError("VALIDATION_ERROR", {
        message: `There is no field '${name}'.`,
        details: { fieldErrors: { fields: [`there is no field '${name}'`] } },
      });
    }
    fields.add(name);
  }
  return fields;
}
