import type { Runtime } from "@aerostack/runtime";
import type { ProjectSpecBuilder } from "./project-spec.ts";
import type { SecretStore } from "./secret-store.ts";
import type { FunctionStore } from "./store.ts";
import { type ActiveFunction, functionKey } from "./types.ts";

export interface ProjectActivation {
  /** Brings this node's runtime to what the store says serves in the project; costs nothing when it is there already. */
  apply(project: { readonly id: string; readonly slug: string }): Promise<readonly ActiveFunction[]>;
  forget(projectId: string): void;
}

export interface ProjectActivationOptions {
  readonly store: FunctionStore;
  readonly secrets: SecretStore;
  readonly runtime: Runtime;
  readonly buildSpec: ProjectSpecBuilder;
}

/** Keeps what the runtime of this node was told last of each project, so that it is told again only what has changed. */
export function createProjectActivation(options: ProjectActivationOptions): ProjectActivation {
  const { store, secrets, runtime, buildSpec } = options;
  const applied = new Map<string, string>();
  const running = new Map<string, Promise<readonly ActiveFunction[]>>();

  async function signatureOf(projectId: string, active: readonly ActiveFunction[]): Promise<string> {
    const values = await secrets.list(projectId);
    return JSON.stringify([
      active.map((one) => functionKey(one.record.name, one.environment, one.version.number)),
      values.map((value) => [value.environment, value.name, value.updatedAt]),
    ]);
  }

  async function bring(project: { readonly id: string; readonly slug: string }): Promise<readonly ActiveFunction[]> {
    const active = await store.activeFunctions(project.id);
    const signature = await signatureOf(project.id, active);
    if (applied.get(project.id) !== signature) {
      if (active.length === 0) await runtime.remove(project.id);
      else await runtime.configure(await buildSpec(project, active));
      applied.set(project.id, signature);
    }
    return active;
  }

  return {
    async apply(project) {
      // One at a time for each project; who comes second looks again, because what serves may have changed meanwhile.
      const before = running.get(project.id);
      const run =
        before === undefined
          ? bring(project)
          : before.then(
              () => bring(project),
              () => bring(project),
            );
      running.set(project.id, run);
      try {
        return await run;
      } finally {
        if (running.get(project.id) === run) running.delete(project.id);
      }
    },
    forget(projectId) {
      applied.delete(projectId);
    },
  };
}
