import { createDeveloper, type Developer, type Project } from "./developer.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./server-process.ts";

/** A server of its own, a developer on it with one project, and that project's keys. */
export interface ProjectServer {
  readonly server: ServerProcess;
  readonly developer: Developer;
  readonly project: Project;
  readonly secret: string;
  readonly publicKey: string;
}

/** Without limits on calls. Its maker disposes of the server. */
export async function startProjectServer(
  projectName: string,
  options: { readonly port?: number } = {},
): Promise<ProjectServer> {
  const server = await startServer({ env: UNLIMITED, ...options });
  const developer = await createDeveloper(server);
  const project = await developer.createProject(projectName);
  const { secret } = await developer.createKey(project, "secret");
  const { secret: publicKey } = await developer.createKey(project, "public");
  return { server, developer, project, secret, publicKey };
}

/** A secret key of somebody else's project on the same server. */
export async function createStrangersKey(server: ServerProcess): Promise<string> {
  const stranger = await createDeveloper(server);
  return (await stranger.createKey(await stranger.createProject("other"))).secret;
}
