import type { BindingGrant } from "./state/binding-handler.ts";

/** Which project each process of the runtime belongs to, by the token that its configuration holds. */
export interface Grants {
  register(token: string, projectId: string): void;
  revoke(token: string): void;
  find(token: string): BindingGrant | undefined;
  readonly size: number;
}

export function createGrants(): Grants {
  const grants = new Map<string, BindingGrant>();
  return {
    register: (token, projectId) => void grants.set(token, { projectId }),
    revoke: (token) => void grants.delete(token),
    find: (token) => grants.get(token),
    get size() {
      return grants.size;
    },
  };
}
