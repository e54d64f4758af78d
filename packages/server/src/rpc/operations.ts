import { AerostackError, type KeyScope, rpcRequestSchema } from "@aerostack/contracts";
import { z } from "zod";
import { defineOperation, type Operation } from "../edge/define-operation.ts";
import { requireScope } from "../keys/key-limits.ts";
import { createRpcMethods, type RpcServices } from "./rpc-methods.ts";

/** The scope that a key needs for each method; one that is not here is closed to keys with scopes. */
export const METHOD_SCOPES: Readonly<Record<string, KeyScope>> = {
  "db.query": "db:write",
  "cache.get": "cache:read",
  "cache.set": "cache:write",
  "cache.delete": "cache:write",
  "cache.list": "cache:read",
  "cache.keys": "cache:read",
  "cache.getMany": "cache:read",
  "cache.setMany": "cache:write",
  "cache.deleteMany": "cache:write",
  "cache.flush": "cache:write",
  "cache.expire": "cache:write",
  "cache.increment": "cache:write",
  "queue.enqueue": "queue:write",
  "queue.job": "queue:read",
  "queue.jobs": "queue:read",
  "queue.cancel": "queue:write",
  "socket.emit": "realtime:write",
  getUser: "auth:read",
  getUserByEmail: "auth:read",
  sendEmail: "auth:write",
};

/** What a function's SDK calls where it has no binding: one address, a method by name, positional arguments. */
export function createRpcOperations(services: RpcServices): Operation[] {
  const methods = createRpcMethods(services);
  return [
    defineOperation({
      method: "post",
      path: "/internal/hooks/rpc",
      summary: "Call a method as a function's SDK does",
      description: `Methods: ${Object.keys(methods).join(", ")}. The answer is the bare result.`,
      tag: "Data plane: functions",
      access: "secret",
      permission: "data.write",
      body: rpcRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: z.unknown() },
      errors: ["METHOD_UNAVAILABLE", "NOT_FOUND"],
      async handler({ call, body: { method, args, projectId } }) {
        // The key says whose data it is; a caller that names another project is mistaken.
        if (
          projectId !== undefined &&
          projectId !== null &&
          projectId !== call.projectId &&
          call.principal.kind === "project"
        ) {
          if (projectId !== call.principal.projectSlug) throw new AerostackError("AUTH_INVALID_KEY");
        }
        const scope = METHOD_SCOPES[method];
        const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
        if (run === undefined) {
          throw new AerostackError("NOT_FOUND", { message: `There is no method '${method.slice(0, 100)}'.` });
        }
        requireScope(call.principal.limits, scope ?? "admin:write");
        return (await run(call.projectId, args)) ?? null;
      },
    }),
  ];
}
