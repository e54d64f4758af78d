import { type DeployConfig, deployConfigSchema } from "@aerostack/contracts";
import { configError } from "../command/cli-error.ts";
import type { ConfigSection } from "./config-document.ts";
import { describeIssue } from "./read-config-file.ts";
import { toName, toResourceName } from "./resource-name.ts";

const DEFAULT_DATABASE = "main";
const DEFAULT_NAMESPACE = "default";
/** Cloudflare's ids say nothing to a reader; the binding's name is a better one for the namespace. */
const OPAQUE_ID = /^[0-9a-f]{32}$/i;

export interface MappedBindings {
  /** For the main function. */
  readonly main: DeployConfig;
  /** For the other functions of the file: data bindings and variables, no triggers, no assets, no Durable Objects. */
  readonly shared: DeployConfig;
  readonly otherFunctions: readonly {
    readonly name: string;
    readonly main: string;
    readonly public: boolean | undefined;
  }[];
  readonly defaultDatabase: string;
}

/** Maps a section's bindings to the platform's form; `notices` receives what has no effect. */
export function mapBindings(section: ConfigSection, file: string, notices: Set<string>): MappedBindings {
  const d1Databases = mapDatabases(section);
  const data = {
    vars: section.vars ?? {},
    d1Databases,
    kvNamespaces: (section.kv_namespaces ?? []).map(({ binding, id }) => ({
      binding,
      namespace: namespaceName(binding, id),
    })),
    r2Buckets: (section.r2_buckets ?? []).map(({ binding, bucket_name: bucket }) => ({
      binding,
      bucket: toResourceName(bucket ?? binding),
    })),
    queueProducers: (section.queues?.producers ?? []).map(({ binding, queue }) => ({
      binding,
      queue: toResourceName(queue),
    })),
  };
  const { services, otherFunctions } = mapServices(section, file);
  const assets = section.assets;
  if (Array.isArray(assets?.run_worker_first)) {
    notices.add("assets.run_worker_first: a list of paths is read as true: the function sees every request");
  }
  for (const migration of section.migrations ?? []) {
    if (migration.deleted_classes ?? migration.renamed_classes ?? migration.transferred_classes) {
      notices.add(
        `migrations ${migration.tag}: classes are not renamed, moved or deleted; their objects' storage stays`,
      );
    }
  }

  const main = parse(
    {
      ...data,
      queueConsumers: (section.queues?.consumers ?? []).map((consumer) => ({
        queue: toResourceName(consumer.queue),
        ...optional("maxBatchSize", consumer.max_batch_size),
        ...optional("maxBatchTimeoutSeconds", consumer.max_batch_timeout),
        ...optional("maxRetries", consumer.max_retries),
        ...optional("retryDelaySeconds", consumer.retry_delay),
        ...optional("deadLetterQueue", consumer.dead_letter_queue && toResourceName(consumer.dead_letter_queue)),
      })),
      services,
      durableObjects: mapDurableObjects(section, notices),
      crons: (section.triggers?.crons ?? []).map((cron) => cron.trim().replaceAll(/\s+/g, " ")),
      ...(assets === undefined
        ? {}
        : {
            assets: {
              ...optional("binding", assets.binding),
              ...optional("notFoundHandling", assets.not_found_handling),
              ...optional("htmlHandling", assets.html_handling),
              ...optional(
                "runWorkerFirst",
                assets.run_worker_first === undefined ? undefined : assets.run_worker_first !== false,
              ),
            },
          }),
    },
    file,
  );
  return {
    main,
    shared: parse(data, file),
    otherFunctions,
    defaultDatabase:
      d1Databases.find(({ binding }) => binding === "DB")?.database ?? d1Databases[0]?.database ?? DEFAULT_DATABASE,
  };
}

function optional<Value>(key: string, value: Value | undefined): Record<string, Value> {
  return value === undefined ? {} : { [key]: value };
}

/** `local-…` and `aerostack-local` mark what the platform attaches by itself: the first is the project's own database. */
function mapDatabases(section: ConfigSection): { binding: string; database: string }[] {
  let ownTaken = false;
  return (section.d1_databases ?? []).map(({ binding, database_name: name, database_id: id }) => {
    const isOwn = id === "aerostack-local" || id?.startsWith("local-") === true;
    if ((isOwn || name === undefined) && !ownTaken) {
      ownTaken = true;
      return { binding, database: DEFAULT_DATABASE };
    }
    return { binding, database: toResourceName(name ?? binding) };
  });
}

function namespaceName(binding: string, id: string | undefined): string {
  if (id === undefined || id.startsWith("local-")) {
    return binding === "CACHE" ? DEFAULT_NAMESPACE : toResourceName(binding);
  }
  return OPAQUE_ID.test(id) ? toResourceName(binding) : toResourceName(id);
}

function mapDurableObjects(section: ConfigSection, notices: Set<string>): { binding: string; className: string }[] {
  return (section.durable_objects?.bindings ?? []).flatMap(({ name, class_name: className, script_name: script }) => {
    if (script === undefined) return [{ binding: name, className }];
    notices.add(`durable_objects ${name}: a class of another function ('${script}') cannot be bound`);
    return [];
  });
}

function mapServices(section: ConfigSection, file: string) {
  const services: { binding: string; service: string; entrypoint?: string }[] = [];
  const otherFunctions: { name: string; main: string; public: boolean | undefined }[] = [];
  for (const [index, entry] of (section.services ?? []).entries()) {
    const { name, main, service, binding, entrypoint } = entry;
    if (name !== undefined && main !== undefined)
      otherFunctions.push({ name: toName(name), main, public: entry.public });
    else if (service === undefined || binding === undefined) {
      throw configError(
        `${file}: services[${index}] is neither a function nor a binding.`,
        "Give it name and main (another function of this project), or binding and service (a binding to one).",
      );
    }
    const target = service ?? name;
    if (binding !== undefined && target !== undefined) {
      services.push({ binding, service: toName(target), ...(entrypoint === undefined ? {} : { entrypoint }) });
    }
  }
  return { services, otherFunctions };
}

function parse(config: unknown, file: string): DeployConfig {
  const parsed = deployConfigSchema.safeParse(config);
  if (parsed.success) return parsed.data;
  throw configError(`${file}: ${describeIssue(parsed.error)}`, `Correct ${file}.`);
}
