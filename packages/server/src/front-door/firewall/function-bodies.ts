import type { IncomingMessage } from "node:http";
import { parseJson } from "../../kernel/parse-json.ts";
import type { FrontDoorSettingsService } from "../settings/service.ts";
import type { InspectBody } from "./body-guard.ts";
import { readAhead } from "./read-ahead.ts";

/** Larger bodies stream to the function unread. */
export const MAX_INSPECTED_BODY_BYTES = 64 * 1024;

export interface FunctionCallFacts {
  readonly projectId: string;
  readonly requestId: string;
  readonly ip: string;
  readonly region: string | null;
}

export interface FunctionBodiesOptions {
  readonly settings: Pick<FrontDoorSettingsService, "of">;
  readonly inspectBody: InspectBody;
}

/**
 * Looks at what is sent to a function, where its project asks for it: JSON and forms of at most 64 KB. Null where there is
 * nothing to wait for, which is all that it costs the others.
 *
 * @throws WAF_BLOCKED, as a rejection
 */
export function createFunctionBodies({ settings, inspectBody }: FunctionBodiesOptions) {
  async function inspect(req: IncomingMessage, call: FunctionCallFacts): Promise<void> {
    if (!(await settings.of(call.projectId)).firewall.inspectFunctionBodies) return;
    const read = parserOf(req.headers["content-type"]);
    if (read === null || Number(req.headers["content-length"] ?? 0) > MAX_INSPECTED_BODY_BYTES) return;
    const bytes = await readAhead(req, MAX_INSPECTED_BODY_BYTES);
    if (bytes === null) return;
    let body: unknown;
    try {
      body = read(bytes.toString());
    } catch {
      // No JSON: what the function makes of it is its own affair, and the text is looked at as it stands.
      body = bytes.toString();
    }
    await inspectBody({ ...call, body, isApi: false, url: req.url ?? "/" });
  }

  return (req: IncomingMessage, call: FunctionCallFacts): Promise<void> | null => {
    const { headers } = req;
    if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) return null;
    const known = settings.of(call.projectId);
    if (!(known instanceof Promise) && !known.firewall.inspectFunctionBodies) return null;
    return inspect(req, call);
  };
}

export type InspectFunctionBody = ReturnType<typeof createFunctionBodies>;

function parserOf(contentType = ""): ((text: string) => unknown) | null {
  if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) return parseJson;
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) {
    return (text) => Object.fromEntries(new URLSearchParams(text));
  }
  return null;
}
