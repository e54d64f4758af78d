import { ALL_KEY_SCOPES, KEY_SERVICES } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import { METHOD_SCOPES } from "../rpc/operations.ts";
import { createRpcMethods } from "../rpc/rpc-methods.ts";
import { requiredScope } from "./required-scope.ts";

describe("the scope that a call needs", () => {
  it("is that of the address's service, and reading where the permission only reads", () => {
    for (const [method, path, permission, scope] of [
      ["post", "/v1/cache/get", "data.read", "cache:read"],
      ["post", "/v1/cache/set", "data.write", "cache:write"],
      ["post", "/v1/db/query", "data.write", "db:write"],
      ["get", "/v1/collections/:name/items", "data.read", "db:read"],
      ["post", "/v1/services/invoke", "functions.invoke", "functions:invoke"],
      ["post", "/v1/realtime/publish", "data.write", "realtime:write"],
      ["get", "/api/v1/projects/:project/logs", "logs.read", "logs:read"],
      ["put", "/api/v1/projects/:project/secrets/:name", "secrets.write", "functions:write"],
      ["post", "/api/v1/projects/:project/s3-keys", "data.write", "storage:write"],
      ["delete", "/api/v1/projects/:project", "project.delete", "projects:write"],
      ["post", "/api/v1/projects", "project.create", "projects:write"],
      ["get", "/api/v1/organisations/:organisation/audit", "audit.read", "audit:read"],
      ["post", "/api/v1/cli/deploy", "functions.deploy", "functions:write"],
    ] as const) {
      expect(requiredScope({ method, path, permission }), `${method} ${path}`).toBe(scope);
    }
    expect(requiredScope({ method: "post", path: "/api/v1/account/keys", auth: "account" })).toBe("keys:write");
    expect(requiredScope({ method: "get", path: "/api/v1/account", auth: "account" })).toBe("account:read");
  });

  it("is one that only keys without limits have where an address is not known", () => {
    expect(requiredScope({ method: "get", path: "/api/v1/projects/:project/new-thing" })).toBe("admin:read");
    expect(requiredScope({ method: "post", path: "/v2/anything" })).toBe("admin:write");
    expect(requiredScope({ method: "get", path: "/api/v1/admin/audit", auth: "admin" })).toBe("admin:write");
  });

  it("is known for every method of the RPC", () => {
    const methods = createRpcMethods({} as Parameters<typeof createRpcMethods>[0]);
    expect(Object.keys(METHOD_SCOPES).sort()).toEqual(Object.keys(methods).sort());
    for (const scope of Object.values(METHOD_SCOPES)) expect(ALL_KEY_SCOPES).toContain(scope);
    expect(Object.keys(KEY_SERVICES)).not.toContain("*");
  });
});
