import { readFile } from "node:fs/promises";
import { type CollectionChange, putCollectionResponseSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../api/api-client.ts";
import { configError } from "../command/cli-error.ts";
import type { CollectionSource } from "../config/project-config.ts";

export interface PushOptions {
  readonly api: ApiClient;
  readonly projectId: string;
  readonly collections: readonly CollectionSource[];
  readonly allowDestructive: boolean;
  readonly dryRun: boolean;
}

export interface PushedCollection {
  readonly name: string;
  readonly created: boolean;
  /** Empty where the collection is as the file says. */
  readonly changes: readonly CollectionChange[];
}

/** Makes the project's collections what the configuration says; those that it does not name are left alone. */
export async function pushCollections(options: PushOptions): Promise<PushedCollection[]> {
  const { api, projectId, collections, allowDestructive, dryRun } = options;
  // All are read before the first is pushed: a file that is missing stops everything.
  const definitions = await Promise.all(collections.map(toDefinition));
  const pushed: PushedCollection[] = [];
  for (const { name, ...definition } of definitions) {
    const path = apiPath("projects", projectId, "collections", name);
    const { created, changes } = await api.call("PUT", path, putCollectionResponseSchema, {
      json: { ...definition, allowDestructive, dryRun },
    });
    pushed.push({ name, created, changes });
  }
  return pushed;
}

async function toDefinition({ name, schema, indexes, rules }: CollectionSource) {
  return { name, schema: typeof schema === "string" ? await readSchema(schema, name) : schema, indexes, rules };
}

async function readSchema(path: string, name: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    throw configError(`The collection ${name} names the schema ${path}, and there is no such file.`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw configError(`${path} is not valid JSON: ${reason}`);
  }
}
