import type { Connection } from "./connection.ts";

/** The types of a project's collections by name, as `aerostack generate types` writes them. */
export type CollectionTypes = Readonly<Record<string, object>>;

export type Item<Fields> = Fields & { readonly id: string };

type Comparable = string | number | boolean | null;

export interface ListOptions<Fields> {
  /** Equal values by field. */
  readonly where?: Partial<Readonly<Record<keyof Fields & string, Comparable>>>;
  /** Fields in order, each with a `-` in front for descending. */
  readonly sort?: readonly (`-${keyof Fields & string}` | (keyof Fields & string))[];
  readonly limit?: number;
  readonly cursor?: string;
  readonly fields?: readonly (keyof Fields & string)[];
}

export interface CreateOptions {
  /** For a day, a repeat with the same key and fields answers the first item; with it, failures of the network are tried again. */
  readonly idempotencyKey?: string;
}

export interface ItemPage<Fields> {
  readonly items: readonly Item<Fields>[];
  /** Of the next page; null after the last. */
  readonly nextCursor: string | null;
}

/** A text may be "null" too, so an operator asks for what has no value. */
function toFilter(field: string, value: Comparable): readonly [string, string | number | boolean] {
  return value === null ? [`${field}[null]`, true] : [field, value];
}

/** One collection's items, typed by its schema. */
export function createCollection<Fields extends object>(connection: Connection, name: string) {
  const items = `/v1/collections/${encodeURIComponent(name)}/items`;
  const one = (id: string): string => `/v1/collections/items/${encodeURIComponent(id)}`;

  async function list(options: ListOptions<Fields> = {}): Promise<ItemPage<Fields>> {
    const { where = {}, sort, fields, limit, cursor } = options;
    return await connection.json<ItemPage<Fields>>({
      method: "GET",
      path: items,
      query: {
        ...Object.fromEntries(Object.entries(where).map(([field, value]) => toFilter(field, value as Comparable))),
        sort: sort?.join(","),
        fields: fields?.join(","),
        limit,
        cursor,
      },
      isRepeatable: true,
    });
  }

  return {
    name,
    list,
    /** Every item that matches, page by page as they are read. */
    async *all(options: Omit<ListOptions<Fields>, "cursor"> = {}): AsyncGenerator<Item<Fields>, void> {
      let cursor: string | null | undefined;
      do {
        const page: ItemPage<Fields> = await list(cursor ? { ...options, cursor } : options);
        yield* page.items;
        cursor = page.nextCursor;
      } while (cursor);
    },
    async get(id: string): Promise<Item<Fields>> {
      return await connection.json<Item<Fields>>({ method: "GET", path: one(id), isRepeatable: true });
    },
    async create(fields: Fields, { idempotencyKey }: CreateOptions = {}): Promise<Item<Fields>> {
      return await connection.json<Item<Fields>>({
        path: items,
        json: fields,
        ...(idempotencyKey === undefined ? {} : { headers: { "idempotency-key": idempotencyKey }, isRepeatable: true }),
      });
    },
    async update(id: string, fields: Partial<Fields>): Promise<void> {
      await connection.json({ method: "PUT", path: one(id), json: fields, isRepeatable: true });
    },
    async delete(id: string): Promise<void> {
      await connection.json({ method: "DELETE", path: one(id) });
    },
  };
}

export type Collection<Fields extends object> = ReturnType<typeof createCollection<Fields>>;
