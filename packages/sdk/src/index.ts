/**
 * The client of a project on Aerostack, for browsers, Node and Workers. It needs nothing but `fetch` and, for realtime,
 * `WebSocket`.
 */
export { type Auth, createAuth, type Identifier, type Session, type SessionStore, type User } from "./auth.ts";
export { type Cache, type CacheEntry, type CacheKeyPage, createCache } from "./cache.ts";
export { type Client, type ClientOptions, createClient } from "./client.ts";
export { AerostackClientError, type ClientErrorFacts } from "./client-error.ts";
export {
  type Collection,
  type CollectionTypes,
  createCollection,
  type Item,
  type ItemPage,
  type ListOptions,
} from "./collections.ts";
export { type Connection, type ConnectionOptions, createConnection } from "./connection.ts";
export {
  type BatchResult,
  createDatabase,
  type Database,
  type Row,
  type SqlStatement,
  type SqlValue,
} from "./database.ts";
export { createFunctions, type FunctionCall, type Functions } from "./functions.ts";
export { createQueue, type Job, type JobPage, type JobStatus, type Queue } from "./queue.ts";
export {
  createRealtime,
  type FrameListener,
  type Realtime,
  type RealtimeChannel,
  type RealtimeFrame,
  type RealtimeOptions,
  type RealtimeStatus,
  type SocketLike,
} from "./realtime.ts";
export {
  createStorage,
  type SignedUrl,
  type SignUrlOptions,
  type Storage,
  type StorageObject,
  type StoragePage,
} from "./storage.ts";
export { type Transaction, type TransactionalDatabase, type TransactionOptions, transaction } from "./transaction.ts";
