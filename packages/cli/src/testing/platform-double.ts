import { type ServerDouble, startServerDouble } from "./server-double.ts";

export const KEY = "ak_test";
const TIME = "2026-06-01T11:59:00.000Z";
export const PROJECT = {
  id: "prj_1",
  name: "shop",
  slug: "shop",
  organisationId: "org_shop",
  url: "http://double/f/shop",
  createdAt: TIME,
  updatedAt: TIME,
};

/** A double that knows one account with one project, `shop`, as the platform answers about them. */
export async function startPlatformDouble(): Promise<ServerDouble & { readonly env: Record<string, string> }> {
  const double = await startServerDouble();
  double.on("POST /api/v1/cli/validate", ({ headers }) =>
    headers["x-api-key"] === KEY || headers.authorization === "Bearer jwt"
      ? { json: { keyType: "account", message: "ok", userId: "usr_1", email: "ada@example.com" } }
      : {
          status: 401,
          json: {
            error: {
              code: "AUTH_INVALID_KEY",
              message: "The API key is unknown.",
              fix: "Send a valid key.",
              requestId: "req_1",
            },
          },
        },
  );
  double.on("GET /api/v1/cli/project-metadata", ({ query }) =>
    query.project === PROJECT.slug
      ? { json: { projectId: PROJECT.id, name: PROJECT.name, collections: [], hooks: [] } }
      : { status: 404, json: { error: { code: "NOT_FOUND", message: "No project.", fix: "", requestId: "req_1" } } },
  );
  double.on("GET /api/v1/projects/*", (_request, [project]) =>
    project === PROJECT.id || project === PROJECT.slug
      ? { json: { project: PROJECT } }
      : { status: 404, json: { error: { code: "NOT_FOUND", message: "No project.", fix: "", requestId: "req_1" } } },
  );
  return { ...double, env: { AEROSTACK_API_URL: double.url, AEROSTACK_API_KEY: KEY } };
}

/** Answers deployments as the server does, version by version. */
export function acceptDeployments(double: ServerDouble): void {
  let number = 0;
  double.on("POST /api/v1/cli/deploy", async (request) => {
    const form = await request.form();
    number += 1;
    const name = String(form.get("name"));
    const url = `${double.url}/f/${PROJECT.slug}/${name}`;
    return {
      json: {
        success: true,
        scriptName: name,
        url,
        publicUrl: url,
        env: String(form.get("env")),
        isPublic: form.get("isPublic") === "true",
        project: { id: PROJECT.id, name: PROJECT.name, slug: PROJECT.slug },
        version: { id: `ver_${number}`, number },
      },
    };
  });
}
