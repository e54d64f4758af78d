import { AerostackError, type FirewallMode } from "@aerostack/contracts";
import type { Engine } from "../waf/engine.ts";
import { BLOCK_SCORE, type Judge, type Suspect } from "./judge.ts";

export interface ReceivedBody extends Omit<Suspect, "inspection" | "defaultMode"> {
  readonly body: unknown;
  /** An address below `/api/` that the platform itself answers. */
  readonly isApi: boolean;
}

/**
 * Looks at a body that was read and parsed anyway.
 *
 * @throws WAF_BLOCKED
 */
export type InspectBody = (received: ReceivedBody) => void | Promise<void>;

export interface BodyGuardOptions {
  readonly engine: Engine;
  readonly judge: Judge;
  readonly managementMode: FirewallMode;
  readonly projectsMode: FirewallMode;
  /** Whether a project chose to have its requests looked at, where the installation looks at none. */
  readonly someProjectInspects: () => boolean;
}

export function createBodyGuard(options: BodyGuardOptions): InspectBody {
  const { engine, judge, managementMode, projectsMode } = options;

  return ({ body, isApi, ...request }) => {
    const defaultMode = isApi ? managementMode : projectsMode;
    if (defaultMode === "off" && (request.projectId === null || !options.someProjectInspects())) return;
    const inspection = engine.inspectBody(body);
    if (inspection === null || inspection.score < BLOCK_SCORE) return;
    const refuse = (isRefused: boolean): void => {
      if (isRefused) throw new AerostackError("WAF_BLOCKED");
    };
    const refused = judge.refuses({ ...request, inspection, defaultMode });
    return refused instanceof Promise ? refused.then(refuse) : refuse(refused);
  };
}
