import type { OpenApiDocument, Operation } from "../../packages/server/src/edge/openapi.ts";

export interface Endpoint {
  /** `METHOD path`, as the reference lists it. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** Every address that the server publishes, from its own description. */
export async function publishedEndpoints(url: string): Promise<readonly Endpoint[]> {
  const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as OpenApiDocument;
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}
