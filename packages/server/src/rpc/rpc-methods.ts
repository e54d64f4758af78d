import { AerostackError } from "@aerostack/contracts";
import { z } from "zod";
import type { CachedValues } from "../cache/cached-values.ts";
import { type DatabaseService, rowObjects } from "../database/service.ts";
import type { Jobs } from "../queue/jobs.ts";

/** What the methods stand on. Those that are left out answer METHOD_UNAVAILABLE. */
export interface RpcServices {
  readonly databases: DatabaseService;
  readonly cache: CachedValues;
  readonly jobs: Jobs;
  /** Publishes an event to a project's realtime subscribers. */
  readonly emit?: (projectId: string, event: string, data: unknown, room: string | null) => Promise<void>;
  readonly findUser?: (projectId: string, by: { readonly id: string } | { readonly email: string }) => Promise<unknown>;
  readonly sendEmail?: (projectId: string, mail: RpcMail) => Promise<unknown>;
}

export interface RpcMail {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

/** Arguments as they came; what is left out arrives as null. */
export type RpcMethod = (projectId: string, args: readonly unknown[]) => Promise<unknown>;

const DATABASE = "main";
const DEFAULT_LIST_LIMIT = 100;
const MAX_LIST_LIMIT = 1000;
const MAX_KEYS = 10_000;
const MAX_BULK_READS = 100;
const MAX_BULK_WRITES = 100;
const MAX_BULK_DELETES = 500;
const DEFAULT_JOBS_LIMIT = 50;
const MAX_JOBS_LIMIT = 200;
const MS_PER_SECOND = 1000;

const key = z.string().min(1);
const ttl = z.int().min(1).nullish();
const params = z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).nullish();
const page = z.object({ limit: z.int().min(1).max(MAX_LIST_LIMIT).nullish(), cursor: z.string().nullish() }).nullish();
const jobStatus = z.enum(["queued", "processing", "completed", "failed", "cancelled"]);

/** Reads positional arguments: those that are missing at the end are null. */
function method<Schema extends z.ZodTuple>(
  schema: Schema,
  work: (projectId: string, args: z.output<Schema>) => Promise<unknown>,
): RpcMethod {
  const { length } = schema._zod.def.items;
  return async (projectId, args) => {
    const padded = Array.from({ length }, (_, index) => args[index] ?? null);
    const parsed = schema.safeParse(padded);
    if (parsed.success) return await work(projectId, parsed.data);
    const fieldErrors: Record<string, string[]> = {};
    for (const issue of parsed.error.issues) {
      const field = `args.${issue.path.map(String).join(".")}`;
      fieldErrors[field] = [...(fieldErrors[field] ?? []), issue.message];
    }
    throw new AerostackError("VALIDATION_ERROR", { details: { fieldErrors } });
  };
}

const unavailable: RpcMethod = async () => {
  throw new AerostackError("METHOD_UNAVAILABLE");
};

/** The methods that a function's SDK calls where it has no binding, by name. */
export function createRpcMethods(services: RpcServices): Readonly<Record<string, RpcMethod>> {
  const { databases, cache, jobs, emit, findUser, sendEmail } = services;
  return {
    "db.query": method(z.tuple([z.string().min(1), params]), async (projectId, [sql, values]) => {
      const address = { projectId, database: DATABASE };
      const result = await databases.query(address, { sql, params: values ?? [] }, "data");
      const results = rowObjects(result);
      const meta = { target: "d1", rowCount: results.length, duration: result.meta.durationMs };
      return { results, success: true, meta };
    }),

    "cache.get": method(z.tuple([key]), async (projectId, [name]) => {
      const found = await cache.get(projectId, name);
      return found.exists ? found.value : null;
    }),
    "cache.set": method(z.tuple([key, z.unknown(), ttl]), async (projectId, [name, value, seconds]) => {
      await cache.set(projectId, { key: name, value: value ?? null, ttlSeconds: seconds ?? undefined });
      return { success: true };
    }),
    "cache.delete": method(z.tuple([key]), async (projectId, [name]) => {
      await cache.delete(projectId, name);
      return { success: true };
    }),
    "cache.list": method(z.tuple([z.string().nullish(), page]), async (projectId, [prefix, options]) => {
      const limit = options?.limit ?? DEFAULT_LIST_LIMIT;
      const listing = await cache.list(projectId, { prefix: prefix ?? "", limit, cursor: options?.cursor ?? null });
      return {
        keys: listing.keys.map(({ key: name, expiresAt }) => ({
          name,
          ...(expiresAt === null ? {} : { expiration: Math.floor(expiresAt / MS_PER_SECOND) }),
        })),
        list_complete: listing.cursor === null,
        ...(listing.cursor === null ? {} : { cursor: listing.cursor }),
      };
    }),
    "cache.keys": method(
      z.tuple([z.string().nullish()]),
      async (projectId, [prefix]) => (await cache.keys(projectId, prefix ?? "", MAX_KEYS)).keys,
    ),
    "cache.getMany": method(z.tuple([z.array(key).min(1).max(MAX_BULK_READS)]), async (projectId, [names]) => {
      const values = await cache.getMany(projectId, names);
      return names.map((name, index) => {
        const found = values[index];
        return { key: name, value: found?.exists === true ? found.value : null };
      });
    }),
    "cache.setMany": method(
      z.tuple([
        z
          .array(z.object({ key, value: z.unknown(), ttl }))
          .min(1)
          .max(MAX_BULK_WRITES),
      ]),
      async (projectId, [entries]) => {
        const written = entries.map((one) => ({
          key: one.key,
          value: one.value ?? null,
          ttlSeconds: one.ttl ?? undefined,
        }));
        await cache.setMany(projectId, written);
        return { success: true, count: entries.length };
      },
    ),
    "cache.deleteMany": method(z.tuple([z.array(key).min(1).max(MAX_BULK_DELETES)]), async (projectId, [names]) => ({
      success: true,
      deleted: await cache.deleteMany(projectId, names),
    })),
    "cache.flush": method(z.tuple([z.string().nullish()]), async (projectId, [prefix]) => ({
      deleted: await cache.flush(projectId, prefix ?? ""),
    })),
    "cache.expire": method(z.tuple([key, z.int().min(1)]), async (projectId, [name, seconds]) => ({
      success: await cache.expire(projectId, name, seconds),
    })),
    "cache.increment": method(
      z.tuple([key, z.number().nullish(), z.object({ initialValue: z.number().nullish(), ttl }).nullish()]),
      async (projectId, [name, amount, options]) => ({
        value: await cache.increment(projectId, name, {
          amount: amount ?? 1,
          initialValue: options?.initialValue ?? 0,
          ttlSeconds: options?.ttl ?? undefined,
        }),
      }),
    ),

    "queue.enqueue": method(
      z.tuple([z.string().min(1).max(200), z.unknown(), z.int().min(0).nullish()]),
      async (projectId, [type, data, delay]) => ({
        jobId: await jobs.enqueue(projectId, { type, data, delaySeconds: delay ?? undefined }),
      }),
    ),
    "queue.job": method(z.tuple([z.string()]), async (projectId, [id]) => {
      const job = await jobs.find(projectId, id);
      return { job, exists: job !== null };
    }),
    "queue.jobs": method(
      z.tuple([
        z
          .object({
            status: jobStatus.nullish(),
            type: z.string().nullish(),
            limit: z.int().min(1).max(MAX_JOBS_LIMIT).nullish(),
            cursor: z.string().nullish(),
          })
          .nullish(),
      ]),
      async (projectId, [filter]) => {
        const listing = await jobs.list(projectId, {
          status: filter?.status ?? null,
          type: filter?.type ?? null,
          limit: filter?.limit ?? DEFAULT_JOBS_LIMIT,
          cursor: filter?.cursor ?? null,
        });
        return {
          jobs: listing.jobs,
          list_complete: listing.cursor === null,
          ...(listing.cursor === null ? {} : { cursor: listing.cursor }),
        };
      },
    ),
    "queue.cancel": method(z.tuple([z.string()]), (projectId, [id]) => jobs.cancel(projectId, id)),

    "socket.emit":
      emit === undefined
        ? unavailable
        : method(
            z.tuple([z.string().min(1), z.unknown(), z.string().nullish()]),
            async (projectId, [event, data, room]) => {
              await emit(projectId, event, data ?? null, room ?? null);
              return { success: true };
            },
          ),
    getUser:
      findUser === undefined
        ? unavailable
        : method(z.tuple([z.string().min(1)]), (projectId, [id]) => findUser(projectId, { id })),
    getUserByEmail:
      findUser === undefined
        ? unavailable
        : method(z.tuple([z.string().min(1)]), (projectId, [email]) => findUser(projectId, { email })),
    sendEmail:
      sendEmail === undefined
        ? unavailable
        : method(z.tuple([z.email(), z.string().min(1), z.string()]), (projectId, [to, subject, body]) =>
            sendEmail(projectId, { to, subject, body }),
          ),
  };
}
