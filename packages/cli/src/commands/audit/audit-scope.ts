import { projectResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { usageError } from "../../command/cli-error.ts";
import type { CommandContext } from "../../command/context.ts";
import { flag, text } from "../../command/option.ts";
import { parseMoment } from "../../logs/parse-moment.ts";

/** Options that say whose log is meant and which entries of it. */
export const auditOptions = {
  organisation: text("id", "Everything of this organisation, in place of the project's entries"),
  installation: flag("Everything of the installation; for its admins"),
  actor: text("id", "Only what this account, key or end user did"),
  action: text("action", "Only this action, such as key.revoked, or key.* for all that happens to keys"),
  target: text("id", "Only what was done to this"),
  since: text("time", "Only from this time on: 15m, 2h, 1d, or 2026-01-31T09:00:00Z"),
  until: text("time", "Only before this time"),
};

interface AuditSelection {
  readonly organisation: string | undefined;
  readonly installation: boolean;
  readonly actor: string | undefined;
  readonly action: string | undefined;
  readonly target: string | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
}

export interface AuditScope {
  /** Address of the list; the export is below it. */
  readonly path: string;
  /** Whose log it is, in words. */
  readonly of: string;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** By default the project's entries in the log of its organisation; else an organisation, or the installation. */
export async function auditScope(context: CommandContext, selection: AuditSelection): Promise<AuditScope> {
  const { organisation, installation, actor, action, target, since, until } = selection;
  if (installation && organisation !== undefined) {
    throw usageError("--installation is everything, and --organisation a part of it: give one of them.");
  }
  const now = context.surroundings.now();
  const moment = (value: string | undefined, option: string) =>
    value === undefined ? undefined : parseMoment(value, option, now);
  const query = { actor, action, target, from: moment(since, "--since"), to: moment(until, "--until") };
  if (installation) {
    const project = context.globals.project === undefined ? undefined : (await context.project()).id;
    return { path: apiPath("admin", "audit"), of: "the installation", query: { ...query, project } };
  }
  if (organisation !== undefined && context.globals.project === undefined) {
    return { path: apiPath("organisations", organisation, "audit"), of: organisation, query };
  }
  const found = await context.project();
  const api = await context.api();
  const { project } = await api.call("GET", apiPath("projects", found.id), projectResponseSchema);
  const path = apiPath("organisations", organisation ?? project.organisationId, "audit");
  return { path, of: project.slug, query: { ...query, project: project.id } };
}
