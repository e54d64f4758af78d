import { projectResponseSchema } from "@aerostack/contracts";
import { projectMetadataAnswer } from "../api/answers.ts";
import { type ApiClient, apiPath } from "../api/api-client.ts";

export interface DevProject {
  readonly id: string;
  readonly name: string;
}

/** The project `<name>-dev` of the local account, created at its first use. Never one that is deployed to otherwise. */
export async function ensureDevProject(api: ApiClient, projectName: string): Promise<DevProject> {
  const name = `${projectName}-dev`;
  const response = await api.tryOpen("GET", "/api/v1/cli/project-metadata", { query: { project: name } });
  const body = await response.text();
  if (response.ok) return { id: projectMetadataAnswer.parse(JSON.parse(body)).projectId, name };
  const { project } = await api.call("POST", apiPath("projects"), projectResponseSchema, { json: { name } });
  return { id: project.id, name };
}
