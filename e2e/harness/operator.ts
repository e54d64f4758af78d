import type { ServerProcess } from "./server-process.ts";

export interface OperatorAnswer<Body> {
  readonly status: number;
  readonly body: Body;
}

/** The first account of a server, who runs it: set up by the link that the server printed, and logged in. */
export async function createOperator(server: ServerProcess) {
  const made = await fetch(`${server.url}/api/auth/setup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      token: server.setupToken(),
      email: "operator@example.com",
      password: "Correct-Horse-7",
      ageConfirmed: true,
    }),
  });
  const { token } = (await made.json()) as { token: string };

  function open(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  return {
    token,
    /** The answer as it comes, for what is no JSON. */
    open,
    async call<Body>(method: string, path: string, body?: unknown): Promise<OperatorAnswer<Body>> {
      const answer = await open(method, path, body);
      return { status: answer.status, body: (await answer.json()) as Body };
    },
  };
}

export type Operator = Awaited<ReturnType<typeof createOperator>>;
