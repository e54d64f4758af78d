import type { IncomingHttpHeaders } from "node:http";
import type { Principal } from "../keys/principal.ts";
import { can, type ProjectPlace } from "../teams/permissions.ts";

export type ResolveKey = (rawKey: string, clientAddress: string) => Principal | null | Promise<Principal | null>;

/** A credential that a request carries and where it stood. */
export interface PresentedKey {
  readonly rawKey: string;
  /** Header name in lower case, or `apiKey` for the query parameter. */
  readonly location: string;
}

const QUERY_PARAMETER = "apiKey=";
/** Browsers cannot set headers on a WebSocket; they offer the key as a sub-protocol. */
const SUB_PROTOCOL_KEY = /(?:^|,)\s*aerostack-key\.([^,\s]+)/;
const BEARER = /^bearer +(\S+)$/i;

/** The value of `?apiKey=`, decoded; null when there is none or it is not well encoded. */
function queryKey(url: string): string | null {
  const mark = url.indexOf("?");
  if (mark === -1) return null;
  const start = url.indexOf(QUERY_PARAMETER, mark + 1);
  if (start === -1 || (url[start - 1] !== "?" && url[start - 1] !== "&")) return null;
  const end = url.indexOf("&", start);
  try {
    return decodeURIComponent(url.slice(start + QUERY_PARAMETER.length, end === -1 ? undefined : end));
  } catch {
    return null;
  }
}

/**
 * The key that a request to a function presents, in every place that clients put it: `X-Aerostack-Key`, `X-API-Key`,
 * `?apiKey=`, `Sec-WebSocket-Protocol: aerostack-key.<key>`, `Authorization: Bearer`. The first that is there counts.
 */
export function presentedKey(headers: IncomingHttpHeaders, url: string): PresentedKey | null {
  for (const location of ["x-aerostack-key", "x-api-key"]) {
    const value = headers[location];
    if (typeof value === "string" && value !== "") return { rawKey: value, location };
  }
  const fromQuery = queryKey(url);
  if (fromQuery !== null && fromQuery !== "") return { rawKey: fromQuery, location: "apiKey" };
  const offered = SUB_PROTOCOL_KEY.exec(headers["sec-websocket-protocol"] ?? "")?.[1];
  if (offered !== undefined) return { rawKey: offered, location: "sec-websocket-protocol" };
  const bearer = headers.authorization === undefined ? null : BEARER.exec(headers.authorization);
  return bearer?.[1] === undefined ? null : { rawKey: bearer[1], location: "authorization" };
}

/** Whether a caller may use the functions of a project that are not public. */
export function opensProject(principal: Principal, project: ProjectPlace): boolean {
  return can(principal, "functions.invoke", project);
}
