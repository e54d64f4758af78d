import { AerostackError } from "@aerostack/contracts";
import type { Audit } from "../audit/record.ts";
import type { Background } from "../kernel/background.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { actorOf, type Principal } from "../keys/principal.ts";
import type { ProjectRecord } from "../projects/service.ts";
import type { Route } from "./define-route.ts";
import { aboutOf } from "./route-place.ts";

/** Writes down calls of the management API that were refused to somebody who is known, for whoever owns what they were about. */
export type NoteRefusal = (refusal: Refusal) => void;

export interface Refusal {
  readonly route: Route;
  readonly principal: Principal;
  /** Of the address, as they were sent. */
  readonly params: Readonly<Record<string, string>>;
  readonly error: unknown;
}

export interface RefusalNotesOptions {
  readonly audit: Audit;
  readonly limiter: Limiter;
  readonly background: Pick<Background, "run">;
  readonly findProject: (idOrSlug: string) => Promise<Pick<ProjectRecord, "id" | "organisationId"> | undefined>;
  readonly findOrganisation: (id: string) => Promise<{ readonly id: string } | undefined>;
}

const HOUR_MS = 60 * 60_000;
/** A program that asks in a loop for what it may not is one story, and none that fills a disk. */
const PER_CALLER: LimitPolicy = { limit: 60, windowMs: HOUR_MS };
/** Callers are cheap: what all of them leave in one organisation's log is bounded, too. */
const PER_ORGANISATION: LimitPolicy = { limit: 600, windowMs: HOUR_MS };

interface Found {
  readonly projectId: string | null;
  readonly organisationId: string | null;
}

export function createRefusalNotes(options: RefusalNotesOptions): NoteRefusal {
  const { audit, limiter, background, findProject, findOrganisation } = options;

  /** What the call was about; null for a thing that is not there, which nobody owns. */
  async function find(route: Route, params: Refusal["params"]): Promise<Found | null> {
    const about = aboutOf(route);
    if (about === null) return { projectId: null, organisationId: null };
    const ref = params[about] ?? "";
    if (about === "organisation") {
      const organisation = await findOrganisation(ref);
      return organisation === undefined ? null : { projectId: null, organisationId: organisation.id };
    }
    const project = await findProject(ref);
    return project === undefined ? null : { projectId: project.id, organisationId: project.organisationId };
  }

  async function note({ route, principal, params }: Refusal, error: AerostackError): Promise<void> {
    const place = await find(route, params);
    if (place === null) return;
    if (error.code === "NOT_FOUND" && isOfCaller(principal, place)) return;
    const actor = actorOf(principal);
    const callerKey = principal.kind === "account" ? principal.accountId : principal.projectId;
    if (!(await limiter.take(`refusals:caller:${callerKey}`, PER_CALLER)).allowed) return;
    if (place.organisationId !== null) {
      const ofAll = await limiter.take(`refusals:organisation:${place.organisationId}`, PER_ORGANISATION);
      if (!ofAll.allowed) return;
    }
    const { permission } = error.details ?? {};
    await audit.record(null, {
      actor,
      action: "call.refused",
      target: { kind: "operation", id: `${route.method.toUpperCase()} ${route.path}` },
      ...place,
      after: {
        reason: error.code === "NOT_FOUND" ? "not a member" : error.message,
        ...(typeof permission === "string" ? { permission } : {}),
      },
    });
  }

  return (refusal) => {
    const { error } = refusal;
    if (!(error instanceof AerostackError) || (error.code !== "FORBIDDEN" && error.code !== "NOT_FOUND")) return;
    try {
      // After the answer, so that its time does not tell whether a thing of somebody else's is there.
      background.run("noting a call that was refused", () => note(refusal, error));
    } catch {
      // So much is running that one note less is what matters least.
    }
  };
}

/** Whether the thing itself is the caller's, and what was not found is something within it. */
function isOfCaller(principal: Principal, { projectId, organisationId }: Found): boolean {
  if (principal.kind === "project") return projectId === null || principal.projectId === projectId;
  if (organisationId === null) return true;
  const access = principal.access.get(organisationId);
  if (access === undefined) return false;
  return projectId === null || (access.projects.get(projectId) ?? access.permissions).has("project.read");
}
