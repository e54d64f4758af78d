import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";

const linkSchema = z.looseObject({ project_id: z.string().min(1), api_url: z.string().optional() });

export interface Link {
  readonly projectId: string;
  /** The server the project lives on; absent in files written by other clients. */
  readonly apiUrl: string | undefined;
}

export function linkFilePath(directory: string): string {
  return join(directory, ".aerostack", "project.json");
}

/** The folder's link to a project; undefined where there is none or it cannot be read. */
export async function readLink(directory: string): Promise<Link | undefined> {
  let text: string;
  try {
    text = await readFile(linkFilePath(directory), "utf8");
  } catch {
    return undefined;
  }
  try {
    const { project_id: projectId, api_url: apiUrl } = linkSchema.parse(JSON.parse(text));
    return { projectId, apiUrl };
  } catch {
    return undefined;
  }
}

export async function writeLink(directory: string, link: Link): Promise<string> {
  const path = linkFilePath(directory);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ project_id: link.projectId, api_url: link.apiUrl }, null, 2)}\n`);
  return path;
}
