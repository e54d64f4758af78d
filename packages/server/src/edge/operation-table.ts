import type { Operation } from "./define-operation.ts";

export interface FoundOperation<Known extends Operation = Operation> {
  readonly operation: Known;
  readonly params: Readonly<Record<string, string>>;
}

const NO_PARAMS: Readonly<Record<string, string>> = {};

interface Pattern<Known extends Operation> {
  readonly segments: readonly string[];
  readonly operation: Known;
}

/** Finds operations by method and path. Addresses without parameters, which are most, cost one look-up. */
export function createOperationTable<Known extends Operation>(operations: readonly Known[]) {
  const exact = new Map<string, Known>();
  const patterns = new Map<string, Pattern<Known>[]>();
  for (const operation of operations) {
    const method = operation.method.toUpperCase();
    if (operation.path.includes(":")) {
      const list = patterns.get(method) ?? [];
      list.push({ segments: operation.path.split("/"), operation });
      patterns.set(method, list);
    } else exact.set(`${method} ${operation.path}`, operation);
  }

  return {
    /** @param path without its query; null when no operation has it, or a parameter is not percent-encoded UTF-8 */
    find(method: string, path: string): FoundOperation<Known> | null {
      const operation = exact.get(`${method} ${path}`);
      if (operation !== undefined) return { operation, params: NO_PARAMS };
      const candidates = patterns.get(method);
      if (candidates === undefined) return null;
      const segments = path.split("/");
      for (const candidate of candidates) {
        const params = match(candidate.segments, segments);
        if (params !== null) return { operation: candidate.operation, params };
      }
      return null;
    },
  };
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (!expected.startsWith(":")) {
      if (segment !== expected) return null;
      continue;
    }
    if (segment === "") return null;
    try {
      params[expected.slice(1)] = decodeURIComponent(segment);
    } catch {
      return null;
    }
  }
  return params;
}
