import type { Audit } from "../audit/record.ts";
import { currentCallContext } from "../kernel/call-context.ts";
import type { Route } from "./define-route.ts";
import { type Place, placeIds } from "./route-place.ts";

const VERB_OF_METHOD: Readonly<Partial<Record<Route["method"], string>>> = {
  post: "created",
  put: "set",
  patch: "changed",
  delete: "deleted",
};
/** Last segments that are what is done, not what it is done to. */
const VERB_OF_SEGMENT: Readonly<Record<string, string>> = {
  batch: "queried",
  block: "blocked",
  cancel: "cancelled",
  decide: "decided",
  deploy: "deployed",
  import: "imported",
  query: "queried",
  read: "read",
  redrive: "redriven",
  rollback: "rolled_back",
  rollout: "rolled_out",
  rotate: "rotated",
  run: "run",
  unblock: "unblocked",
};

/** The action of a route that changes something: `<thing>.<past verb>`, by its address. Null for one that only reads. */
export function actionOf({ method, path }: Pick<Route, "method" | "path">): string | null {
  const byMethod = VERB_OF_METHOD[method];
  if (byMethod === undefined) return null;
  const words = path.split("/").filter((segment) => segment !== "" && !segment.startsWith(":"));
  const last = words.at(-1) ?? "";
  const byName = path.endsWith(`/${last}`) ? VERB_OF_SEGMENT[last] : undefined;
  const thing = byName === undefined ? last : (words.at(-2) ?? last);
  return `${singular(thing === "cli" ? "function" : thing)}.${byName ?? byMethod}`;
}

/**
 * Writes down a change whose capability has not told the audit log itself, so that none is missed: what was done to what,
 * and by whom. A capability that keeps its state in the control database tells it in the transaction of the change.
 */
export async function recordRoute(audit: Audit, route: Route, params: unknown, place: Place): Promise<void> {
  const action = actionOf(route);
  const context = currentCallContext();
  if (action === null || route.readOnly === true || route.auth === "none" || route.auth === "key") return;
  if (context === undefined || context.recordedActions.length > 0 || context.changedNothing === true) return;
  const [kind = ""] = action.split(".");
  const named = (params ?? {}) as Readonly<Record<string, string>>;
  const lastName = [...route.path.matchAll(/:(\w+)/g)].at(-1)?.[1];
  const given = lastName === undefined ? null : (named[lastName] ?? null);
  await audit.record(null, {
    action,
    target: { kind, id: lastName === "project" && place.project !== undefined ? place.project.id : given },
    ...placeIds(place),
  });
}

function singular(word: string): string {
  const plain = word.replaceAll("-", "_");
  if (plain.endsWith("ies")) return `${plain.slice(0, -3)}y`;
  return plain.endsWith("s") && !plain.endsWith("ss") ? plain.slice(0, -1) : plain;
}
