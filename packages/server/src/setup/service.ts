import type { SetupResponse } from "@aerostack/contracts";
import type { AccountService, NewAccount } from "../accounts/service.ts";
import { showSession } from "../accounts/show-account.ts";
import { actAs } from "../kernel/call-context.ts";
import type { Logger } from "../kernel/log.ts";
import type { ProjectKeyService } from "../keys/service.ts";
import type { ProjectRecord, ProjectService } from "../projects/service.ts";

/**
 * Responsible for the first minute: one form makes the first account, its first project and keys, and ends with a request
 * that works. It only calls what the API offers to everybody, but for the set-up token.
 */
export interface SetupService {
  setUp(input: SetupInput, clientAddress: string): Promise<SetupResponse>;
}

export interface SetupInput extends NewAccount {
  readonly token: string;
  readonly projectName: string;
}

export interface SetupServiceOptions {
  readonly accounts: AccountService;
  readonly projects: ProjectService;
  readonly keys: ProjectKeyService;
  /** Puts a first function into the project and returns its address; undefined where that is not possible. */
  readonly deployStarter: (project: ProjectRecord) => Promise<string | undefined>;
  readonly origin: () => string;
  readonly log: Logger;
}

export function createSetupService(options: SetupServiceOptions): SetupService {
  const { accounts, projects, keys, deployStarter, origin, log } = options;

  async function starterUrl(project: ProjectRecord): Promise<string> {
    try {
      const url = await deployStarter(project);
      if (url !== undefined) return url;
    } catch (err) {
      // The account and project stand; a first function can be deployed any time.
      log.error({ err, projectId: project.id }, "the starter function could not be deployed");
    }
    return `${origin()}/api/v1/projects/${project.slug}`;
  }

  return {
    async setUp({ token, projectName, ...account }, clientAddress) {
      const session = await accounts.setUp(token, account, clientAddress);
      actAs(session.account.id);
      const project = await projects.create(session.account.id, projectName);
      const publicKey = await keys.create(project, { name: "First public key", kind: "public" });
      const secretKey = await keys.create(project, { name: "First secret key", kind: "secret" });
      const url = await starterUrl(project);
      return {
        ...showSession(session),
        project: { id: project.id, name: project.name, slug: project.slug },
        publicKey: publicKey.secret,
        secretKey: secretKey.secret,
        curl: `curl -H 'X-Aerostack-Key: ${secretKey.secret}' '${url}'`,
        nextCommand: "npx aerostack login",
      };
    },
  };
}
