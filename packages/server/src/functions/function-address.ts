import type { FunctionEnvironment } from "@aerostack/contracts";

/** Where a request to a function points. */
export interface FunctionAddress {
  /** Slug or id of the project. */
  readonly project: string;
  readonly functionName: string;
  readonly environment: FunctionEnvironment;
  /** Path and query as the function sees them; starts with a slash. */
  readonly path: string;
  /** What was cut off in front of `path`, so that a function can build links to itself. Empty in the host form. */
  readonly prefix: string;
}

const PATH_FORM = "/f/";
const STAGING_SUFFIX = "--staging";

function splitEnvironment(label: string): { functionName: string; environment: FunctionEnvironment } {
  return label.endsWith(STAGING_SUFFIX)
    ? { functionName: label.slice(0, -STAGING_SUFFIX.length), environment: "staging" }
    : { functionName: label, environment: "production" };
}

function indexOfPathEnd(url: string): number {
  const query = url.indexOf("?");
  return query === -1 ? url.length : query;
}

/**
 * Reads `/f/<project>/<function>[--staging]/<path>`; null when the URL is not of that form.
 *
 * @example parsePathAddress("/f/shop/api/items?page=2")?.path // "/items?page=2"
 */
export function parsePathAddress(url: string): FunctionAddress | null {
  if (!url.startsWith(PATH_FORM)) return null;
  const pathEnd = indexOfPathEnd(url);
  const projectEnd = url.indexOf("/", PATH_FORM.length);
  if (projectEnd === -1 || projectEnd >= pathEnd || projectEnd === PATH_FORM.length) return null;
  const nextSlash = url.indexOf("/", projectEnd + 1);
  const functionEnd = nextSlash === -1 || nextSlash > pathEnd ? pathEnd : nextSlash;
  if (functionEnd === projectEnd + 1) return null;
  const rest = url.slice(functionEnd);
  return {
    project: url.slice(PATH_FORM.length, projectEnd),
    ...splitEnvironment(url.slice(projectEnd + 1, functionEnd)),
    path: rest.startsWith("/") ? rest : `/${rest}`,
    prefix: url.slice(0, functionEnd),
  };
}

/**
 * Reads the host form `<function>[--staging].<project>.<domain>[:port]`; null when the host is not below the domain or
 * has another number of labels.
 */
export function parseHostAddress(host: string | undefined, url: string, domain: string): FunctionAddress | null {
  if (host === undefined) return null;
  const colon = host.lastIndexOf(":");
  const name = (colon === -1 ? host : host.slice(0, colon)).toLowerCase();
  if (name.length <= domain.length + 1 || !name.endsWith(domain) || name[name.length - domain.length - 1] !== ".") {
    return null;
  }
  const labels = name.slice(0, -domain.length - 1);
  const dot = labels.indexOf(".");
  if (dot <= 0 || dot === labels.length - 1 || labels.indexOf(".", dot + 1) !== -1) return null;
  return {
    project: labels.slice(dot + 1),
    ...splitEnvironment(labels.slice(0, dot)),
    path: url.startsWith("/") ? url : `/${url}`,
    prefix: "",
  };
}

const CUSTOM_FORMS = ["/v1/custom/", "/api/v1/custom/"] as const;

/** Reads `/v1/custom/<slug>[/<path>]`, whose project is told by the credential; null for any other URL. */
export function parseCustomAddress(url: string): Omit<FunctionAddress, "project"> | null {
  for (const form of CUSTOM_FORMS) {
    if (!url.startsWith(form)) continue;
    const pathEnd = indexOfPathEnd(url);
    const nextSlash = url.indexOf("/", form.length);
    const end = nextSlash === -1 || nextSlash > pathEnd ? pathEnd : nextSlash;
    if (end === form.length) return null;
    const rest = url.slice(end);
    return {
      ...splitEnvironment(url.slice(form.length, end)),
      path: rest.startsWith("/") ? rest : `/${rest}`,
      prefix: url.slice(0, end),
    };
  }
  return null;
}
