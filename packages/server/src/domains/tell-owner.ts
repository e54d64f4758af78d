import type { Notices } from "../notices/service.ts";
import { type DomainServiceOptions, GRACE_MS } from "./service.ts";
import { proofRecord } from "./txt-proof.ts";

export interface DomainTroubleOptions {
  readonly notices: Pick<Notices, "send">;
  readonly findProject: (projectId: string) => Promise<{ readonly name: string; readonly ownerId: string } | undefined>;
}

/** Tells whoever owns the project, by mail and in the dashboard, what became of a domain whose proof is gone. */
export function createDomainTrouble(options: DomainTroubleOptions): NonNullable<DomainServiceOptions["onTrouble"]> {
  const { notices, findProject } = options;
  return async (domain, what) => {
    const project = await findProject(domain.project_id);
    if (project === undefined) return;
    const { hostname, token, proof_missing_since: since } = domain;
    const facts = { hostname, project: project.name, record: proofRecord(hostname, token).name };
    const accountId = project.ownerId;
    if (what === "suspended") {
      await notices.send({ accountId, template: "domain-suspended", data: facts });
      return;
    }
    const suspendedOn = new Date((since ?? 0) + GRACE_MS);
    await notices.send({ accountId, template: "domain-proof-missing", data: { ...facts, suspendedOn } });
  };
}
