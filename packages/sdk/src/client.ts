import { createAuth, type SessionStore } from "./auth.ts";
import { createCache } from "./cache.ts";
import { type Collection, type CollectionTypes, createCollection } from "./collections.ts";
import { type ConnectionOptions, createConnection } from "./connection.ts";
import { createDatabase } from "./database.ts";
import { createFunctions } from "./functions.ts";
import { createQueue } from "./queue.ts";
import { createRealtime, type RealtimeOptions } from "./realtime.ts";
import { createStorage } from "./storage.ts";

export interface ClientOptions extends ConnectionOptions, RealtimeOptions {
  /** Where the session of a signed-in user is kept; in memory unless given. */
  readonly sessionStore?: SessionStore;
}

/**
 * Everything a project has, in one object. Where every byte counts, take the parts instead:
 * `createCache(createConnection({ … }))` brings nothing else along.
 *
 * @example
 * const aerostack = createClient({ url: "http://127.0.0.1:8787", apiKey: process.env.AEROSTACK_API_KEY });
 * await aerostack.cache.set("greeting", "hello", { ttl: 60 });
 */
export function createClient<Types extends CollectionTypes = CollectionTypes>(options: ClientOptions) {
  const connection = createConnection(options);
  const auth = createAuth(connection, options.sessionStore);
  const realtime = createRealtime(connection, options);
  auth.onChange((session) => {
    if (session !== null) realtime.refreshToken().catch(() => {});
  });
  return {
    db: createDatabase(connection),
    cache: createCache(connection),
    queue: createQueue(connection),
    storage: createStorage(connection),
    functions: createFunctions(connection),
    auth,
    realtime,
    /** A collection by name, with the types that `aerostack generate types` made of its schema. */
    collection<Name extends keyof Types & string>(name: Name): Collection<Types[Name]> {
      return createCollection<Types[Name]>(connection, name);
    },
  };
}

export type Client<Types extends CollectionTypes = CollectionTypes> = ReturnType<typeof createClient<Types>>;
