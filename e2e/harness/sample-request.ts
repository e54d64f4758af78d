import type { Endpoint } from "./published-endpoints.ts";
import { sampleValue } from "./sample-value.ts";

/** What a sample cannot guess: patterns, and bodies that are no JSON. Keyed by `METHOD path`. */
const BODIES: Readonly<Record<string, { readonly body: string; readonly contentType: string }>> = {
  "POST /api/v1/projects/{project}/firewall/exceptions": json({ pathPrefix: "/sample" }),
  "PUT /api/v1/projects/{project}/cors": json({ origins: ["https://app.example.com"] }),
};
const PARAMETERS: Readonly<Record<string, string>> = {};

/** The request that the reference describes, for the project of that id. */
export function requestFor({ name, path, operation }: Endpoint, projectRef: string) {
  const sampleOf = (parameter: string): string => {
    const schema = operation.parameters.find((one) => one.in === "path" && one.name === parameter)?.schema ?? {};
    return schema.type === "string" ? "sample" : String(sampleValue(schema));
  };
  const target = path.replace(/\{(\w+)\}/g, (_, parameter: string) =>
    encodeURIComponent(
      parameter === "project" ? projectRef : (PARAMETERS[`${name} ${parameter}`] ?? sampleOf(parameter)),
    ),
  );
  const query = new URLSearchParams();
  for (const { name: parameter, required, schema, ...rest } of operation.parameters) {
    if (rest.in !== "query" || !required) continue;
    query.set(parameter, parameter === "project" ? projectRef : String(sampleValue(schema)));
  }
  const json = operation.requestBody?.content["application/json"];
  const [rawType] = Object.keys(operation.requestBody?.content ?? {});
  const given = BODIES[name];
  const content =
    given ??
    (json !== undefined
      ? { body: JSON.stringify(sampleValue(json.schema)), contentType: "application/json" }
      : rawType === undefined
        ? undefined
        : { body: "sample", contentType: rawType });
  return { path: query.size === 0 ? target : `${target}?${query}`, content };
}

function json(body: unknown) {
  return { body: JSON.stringify(body), contentType: "application/json" };
}
