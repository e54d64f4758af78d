import type { deployConfigSchema } from "@aerostack/contracts";
import type { z } from "zod";
import type { ServerProcess } from "./server-process.ts";

export interface Project {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

export interface FunctionUpload {
  readonly name?: string;
  /** The main module, an ES module. */
  readonly worker: string;
  readonly modules?: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;
  readonly assets?: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;
  readonly config?: z.input<typeof deployConfigSchema>;
  readonly env?: "staging" | "production";
  readonly isPublic?: boolean;
  readonly compatibilityDate?: string;
  readonly compatibilityFlags?: readonly string[];
}

export interface Deployed {
  readonly url: string;
  readonly publicUrl: string;
  readonly env: "staging" | "production";
  readonly version: { readonly id: string; readonly number: number };
  readonly project: Project;
}

/** A request that did not succeed, with what the server said. */
export class RequestFailed extends Error {
  readonly status: number;
  readonly body: unknown;
  constructor(what: string, status: number, body: unknown) {
    super(`${what}: ${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
  }
}

const PASSWORD = "Correct-Horse-7";
let serial = 0;

/** Somebody with an account and an account key, who talks to the management API as the CLI does. */
export async function createDeveloper(server: Pick<ServerProcess, "url">) {
  serial++;
  const email = `developer-${process.pid}-${serial}-${Date.now()}@example.com`;

  async function request<Answer>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const parsed: unknown =
      text === "" ? null : answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
    if (!answer.ok) throw new RequestFailed(`${method} ${path}`, answer.status, parsed);
    return parsed as Answer;
  }

  const { token } = await request<{ token: string }>("POST", "/api/auth/register", {
    email,
    password: PASSWORD,
    name: "Dev",
    ageConfirmed: true,
  });
  const { secret: accountKey } = await request<{ secret: string }>(
    "POST",
    "/api/v1/account/keys",
    { name: "tests" },
    { authorization: `Bearer ${token}` },
  );

  const call = <Answer>(method: string, path: string, body?: unknown): Promise<Answer> =>
    request<Answer>(method, path, body, { "x-api-key": accountKey });

  return {
    email,
    password: PASSWORD,
    token,
    accountKey,
    call,

    async createProject(name = `shop ${serial}`): Promise<Project> {
      return await call<Project>("POST", "/api/v1/cli/projects", { name });
    },

    /** The address of a function's path, as anybody calls it. */
    functionUrl(project: Project, name: string, path = "/"): string {
      return `${server.url}/f/${project.slug}/${name}${path}`;
    },

    async setSecret(
      project: Project,
      name: string,
      value: string,
      env: "staging" | "production" = "production",
    ): Promise<void> {
      await call("PUT", `/api/v1/projects/${project.id}/secrets/${name}`, { value, env });
    },

    async createKey(project: Project, kind: "public" | "secret" = "secret"): Promise<{ id: string; secret: string }> {
      const made = await call<{ key: { id: string }; secret: string }>("POST", `/api/v1/projects/${project.id}/keys`, {
        name: "tests",
        kind,
      });
      return { id: made.key.id, secret: made.secret };
    },

    async deploy(project: Project, upload: FunctionUpload): Promise<Deployed> {
      const form = new FormData();
      form.set("env", upload.env ?? "production");
      form.set("project_id", project.id);
      form.set("compatibility_date", upload.compatibilityDate ?? "2026-06-01");
      form.set("compatibility_flags", JSON.stringify(upload.compatibilityFlags ?? []));
      if (upload.name !== undefined) form.set("name", upload.name);
      if (upload.isPublic !== undefined) form.set("isPublic", String(upload.isPublic));
      if (upload.config !== undefined) form.set("config", JSON.stringify(upload.config));
      form.set("worker", new Blob([upload.worker], { type: "application/javascript" }), "worker");
      for (const [name, content] of Object.entries(upload.modules ?? {})) form.set(name, new Blob([content]), name);
      for (const [path, content] of Object.entries(upload.assets ?? {})) {
        form.set(`assets/${path}`, new Blob([content]), path);
      }
      const answer = await fetch(`${server.url}/api/v1/cli/deploy`, {
        method: "POST",
        headers: { "x-api-key": accountKey },
        body: form,
      });
      const body: unknown = await answer.json();
      if (!answer.ok) throw new RequestFailed("deploy", answer.status, body);
      return body as Deployed;
    },
  };
}

export type Developer = Awaited<ReturnType<typeof createDeveloper>>;
