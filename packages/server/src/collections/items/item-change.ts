import { toIso } from "../../kernel/page.ts";
import type { Collection } from "../definition.ts";
import type { Column } from "../schema/columns.ts";
import { isSystemField } from "../schema/columns.ts";
import type { FieldErrors } from "../schema/compile-validator.ts";
import type { ItemCaller } from "./caller.ts";
import { type Item, showItem } from "./item-codec.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface Stamp {
  readonly id: string;
  readonly now: number;
}

/** An item that may be stored, or what is wrong with it. */
export type Judged<Value> = { readonly value: Value } | { readonly errors: FieldErrors };

/** What a body makes a new item of: with the defaults of the schema, and the caller as its owner. */
export function newItem(collection: Collection, body: Fields, caller: ItemCaller, { id, now }: Stamp): Judged<Item> {
  for (const field of ["id", "created_at", "updated_at"]) {
    if (body[field] !== undefined) return { errors: { [field]: ["is given by the platform"] } };
  }
  const ownerId = body.owner_id ?? caller.user?.id ?? null;
  const ownerFlaw = ownerFlawOf(ownerId, caller.user?.id ?? null, caller);
  if (ownerFlaw !== null) return { errors: { owner_id: [ownerFlaw] } };
  const defaults = [...collection.columns.values()].map(({ name, defaultValue }) => [name, defaultValue]);
  const fields = schemaFields({ ...Object.fromEntries(defaults), ...body }, collection);
  const errors = flawsOf(fields, collection);
  if (errors !== null) return { errors };
  const time = toIso(now);
  const item = { id, owner_id: ownerId, created_at: time, updated_at: time, ...fields };
  return { value: showItem(item, collection.columns) };
}

export interface ItemChange {
  /** The fields that are set, null where a value is taken away. */
  readonly set: Fields;
  /** The item as it will be. */
  readonly after: Item;
}

/** What a body makes of an item: the fields that it has are set, the others stay. */
export function changeItem(collection: Collection, before: Item, body: Fields, caller: ItemCaller): Judged<ItemChange> {
  const set: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(body)) {
    if (!isSystemField(field)) {
      set[field] = value;
      continue;
    }
    // An item that is sent back as it was read carries these; the time of its last change may be an older one.
    if (field === "updated_at" || value === (before[field] ?? null)) continue;
    const flaw = field === "owner_id" ? ownerFlawOf(value, before.owner_id ?? null, caller) : "cannot be changed";
    if (flaw !== null) return { errors: { [field]: [flaw] } };
    set[field] = value;
  }
  const fields = schemaFields({ ...before, ...set }, collection);
  const errors = flawsOf(fields, collection);
  if (errors !== null) return { errors };
  const { id, created_at, updated_at } = before;
  const ownerId = set.owner_id === undefined ? before.owner_id : set.owner_id;
  const after = showItem({ id, created_at, updated_at, owner_id: ownerId, ...fields }, collection.columns);
  return { value: { set, after } };
}

/** Only a secret key gives an item to somebody else. */
function ownerFlawOf(value: unknown, own: unknown, { isTrusted }: ItemCaller): string | null {
  if (value !== null && (typeof value !== "string" || value === "" || value.length > 200)) return "must be a user's id";
  return isTrusted || value === own ? null : "can be set with a secret key only";
}

/** Without the platform's fields; null where the schema does not allow it means that there is no value. */
function schemaFields(item: Fields, { columns }: Collection): Fields {
  const isPresent = (column: Column | undefined, value: unknown): boolean =>
    value !== undefined && (value !== null || column === undefined || column.nullable);
  return Object.fromEntries(
    Object.entries(item).filter(([field, value]) => !isSystemField(field) && isPresent(columns.get(field), value)),
  );
}

function flawsOf(fields: Fields, { validator, columns }: Collection): FieldErrors | null {
  const errors = validator.check(fields);
  if (errors !== null) return errors;
  for (const { name, kind } of columns.values()) {
    const value = fields[name];
    // JSON Schema calls 1e300 an integer; SQLite and JavaScript do not count that far.
    if (kind === "integer" && typeof value === "number" && !Number.isSafeInteger(value)) {
      return { [name]: ["must be between -(2^53 - 1) and 2^53 - 1"] };
    }
  }
  return null;
}

/** Later than the last change, however fast one follows the other: who changes an item can tell whether it is as it was. */
export function nextUpdateTime(before: unknown, now: number): string {
  const previous = typeof before === "string" ? Date.parse(before) : Number.NaN;
  return toIso(Number.isNaN(previous) || previous < now ? now : previous + 1);
}
