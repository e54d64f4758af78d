import { AerostackError, invokeRequestSchema, invokeResponseSchema } from "@aerostack/contracts";
import { defineOperation, type Operation } from "../edge/define-operation.ts";
import type { InvokeFunction } from "./invoke-function.ts";

const TIMEOUT_MS = 30_000;
const FIRST_REFUSED = 400;

/** Functions of a project, called through the platform by its secret keys. */
export function createServiceOperations(invoke: InvokeFunction): Operation[] {
  return [
    defineOperation({
      method: "post",
      path: "/v1/services/invoke",
      summary: "Call a function with JSON",
      tag: "Data plane: functions",
      access: "secret",
      permission: "functions.invoke",
      body: invokeRequestSchema,
      response: { status: 200, schema: invokeResponseSchema },
      errors: ["FUNCTION_NOT_FOUND", "FUNCTION_TIMEOUT", "SERVICE_FAILED"],
      async handler({ call, body: { serviceName, data } }) {
        const { status, body } = await invoke({
          projectId: call.projectId,
          functionName: serviceName,
          path: "/",
          json: data ?? {},
          requestId: call.requestId,
          clientIp: call.clientAddress,
          timeoutMs: TIMEOUT_MS,
        });
        const result = jsonOrText(body);
        if (status >= FIRST_REFUSED) {
          throw new AerostackError("SERVICE_FAILED", {
            message: `The function '${serviceName}' answered ${status}.`,
            details: { status, result },
          });
        }
        return { success: true as const, result };
      },
    }),
  ];
}

function jsonOrText(body: Buffer): unknown {
  const text = body.toString("utf8");
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
