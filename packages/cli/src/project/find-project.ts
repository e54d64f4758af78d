import { dirname } from "node:path";
import { projectResponseSchema, validateKeyResponseSchema } from "@aerostack/contracts";
import { projectMetadataAnswer } from "../api/answers.ts";
import { type ApiClient, apiPath } from "../api/api-client.ts";
import { CliError, usageError } from "../command/cli-error.ts";
import { readLink } from "../config/link-file.ts";
import type { ProjectConfig } from "../config/project-config.ts";

/** How a project was found, in the order in which the ways are tried. */
export type ProjectSource = "project key" | "--project" | "configuration file" | "link" | "name" | "created";

export interface ResolvedProject {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly source: ProjectSource;
}

export interface FindProjectOptions {
  readonly api: ApiClient;
  readonly config: ProjectConfig | undefined;
  /** `--project`: id or slug. */
  readonly flag: string | undefined;
  readonly cwd: string;
}

/** The existing project a command works on; a not-found error that says how to name one. */
export async function findProject(options: FindProjectOptions): Promise<ResolvedProject> {
  const project = await lookUpProject(options);
  if (project !== undefined) return project;
  const name = options.config?.projectSlug ?? options.config?.projectName;
  throw new CliError(
    name === undefined
      ? "No project is named: there is no configuration file here and this folder is not linked."
      : `There is no project '${name}' on ${options.api.baseUrl}.`,
    {
      kind: "notFound",
      code: "PROJECT_NOT_FOUND",
      fix:
        name === undefined
          ? "Name one with --project, or link this folder with `aerostack link`."
          : "Deploy once to create it, or link an existing one with `aerostack link`.",
    },
  );
}

/**
 * A project key decides by itself; else --project, the file's project_id, the link, the file's slug or name. Undefined
 * where the file's name is not taken yet. A project that is pinned and does not exist is an error.
 */
export async function lookUpProject({
  api,
  config,
  flag,
  cwd,
}: FindProjectOptions): Promise<ResolvedProject | undefined> {
  const identity = await api.call("POST", "/api/v1/cli/validate", validateKeyResponseSchema);
  if (identity.keyType === "project") {
    const { projectId: id, slug, projectName } = identity;
    if (typeof id !== "string")
      throw new CliError("The server does not say which project the key belongs to.", {
        kind: "server",
        code: "ANSWER_NOT_UNDERSTOOD",
      });
    if (flag !== undefined && flag !== id && flag !== slug) {
      throw usageError(
        `The key belongs to project '${slug ?? id}', not to '${flag}'.`,
        "Leave --project out, or use another key.",
      );
    }
    return { id, slug: slug ?? id, name: projectName ?? slug ?? id, source: "project key" };
  }
  if (flag !== undefined) return pinned(api, flag, "--project");
  if (config?.projectId !== undefined) return pinned(api, config.projectId, "configuration file");
  const link = await readLink(config?.directory ?? cwd);
  if (link !== undefined && (link.apiUrl === undefined || link.apiUrl === api.baseUrl))
    return pinned(api, link.projectId, "link");
  if (config?.projectSlug !== undefined) return pinned(api, config.projectSlug, "configuration file");
  if (config === undefined) return undefined;
  return byName(api, config.projectName);
}

async function pinned(api: ApiClient, project: string, source: ProjectSource): Promise<ResolvedProject> {
  try {
    const { project: found } = await api.call("GET", apiPath("projects", project), projectResponseSchema);
    return { id: found.id, slug: found.slug, name: found.name, source };
  } catch (error) {
    if (!(error instanceof CliError) || error.kind !== "notFound") throw error;
    const where = {
      "--project": "--project",
      link: "the folder's link",
      "configuration file": "the configuration file",
    };
    const place = where[source as keyof typeof where] ?? source;
    throw new CliError(`There is no project '${project}' on ${api.baseUrl}, which ${place} names.`, {
      kind: "notFound",
      code: "PROJECT_NOT_FOUND",
      fix: "Check the name and the account (`aerostack projects list`), or link the folder anew with `aerostack link`.",
      cause: error,
    });
  }
}

async function byName(api: ApiClient, name: string): Promise<ResolvedProject | undefined> {
  const response = await api.tryOpen("GET", "/api/v1/cli/project-metadata", { query: { project: name } });
  const body = await response.text();
  if (!response.ok) return undefined;
  const metadata = projectMetadataAnswer.parse(JSON.parse(body));
  return {
    id: metadata.projectId,
    slug: metadata.slug ?? metadata.projectId,
    name: metadata.name ?? name,
    source: "name",
  };
}

/** Folder that a link is kept in. */
export function linkDirectory(config: ProjectConfig | undefined, cwd: string): string {
  return config === undefined ? cwd : dirname(config.file);
}
