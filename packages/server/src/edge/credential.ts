/** Where a request's headers and query are read from, so that the hot path and Hono read alike. */
export interface CredentialSource {
  header(name: string): string | undefined;
  /** The query string, with or without its question mark. */
  readonly search: string;
}

const MAX_CREDENTIAL_CHARACTERS = 4_096;
const WEBSOCKET_KEY = /(?:^|,)\s*(?:aerostack-key|aerostack-token|bearer)[.-]([^,\s]+)/;

/**
 * The credential of a request, from the first of the places where clients put it: `X-Aerostack-Key`, `X-API-Key`,
 * `Authorization: Bearer`, `Sec-WebSocket-Protocol: aerostack-key.<key>`, `?apiKey=`.
 */
export function readCredential(source: CredentialSource): string | undefined {
  const found =
    nonEmpty(source.header("x-aerostack-key")) ??
    nonEmpty(source.header("x-api-key")) ??
    bearer(source.header("authorization")) ??
    WEBSOCKET_KEY.exec(source.header("sec-websocket-protocol") ?? "")?.[1] ??
    queryKey(source.search);
  return found !== undefined && found.length <= MAX_CREDENTIAL_CHARACTERS ? found : undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === "" ? undefined : trimmed;
}

function bearer(header: string | undefined): string | undefined {
  if (header === undefined || header.slice(0, 7).toLowerCase() !== "bearer ") return undefined;
  return nonEmpty(header.slice(7));
}

function queryKey(search: string): string | undefined {
  if (!search.includes("apiKey=")) return undefined;
  return nonEmpty(new URLSearchParams(search).get("apiKey") ?? undefined);
}
