import { projectResponseSchema } from "@aerostack/contracts";
import type { ApiClient } from "../api/api-client.ts";
import { writeLink } from "../config/link-file.ts";
import type { ProjectConfig } from "../config/project-config.ts";
import { lookUpProject, type ResolvedProject } from "./find-project.ts";

export interface FindOrCreateOptions {
  readonly api: ApiClient;
  readonly config: ProjectConfig;
  readonly flag: string | undefined;
  readonly cwd: string;
}

/** The project to deploy to; where none has the configuration's name yet it is created and the folder linked to it. */
export async function findOrCreateProject(options: FindOrCreateOptions): Promise<ResolvedProject> {
  const { api, config } = options;
  const existing = await lookUpProject(options);
  if (existing !== undefined) return existing;
  const { project } = await api.call("POST", "/api/v1/projects", projectResponseSchema, {
    json: { name: config.projectName },
  });
  await writeLink(config.directory, { projectId: project.id, apiUrl: api.baseUrl });
  return { id: project.id, slug: project.slug, name: project.name, source: "created" };
}
