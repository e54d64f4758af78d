import { createAccountKeyResponseSchema, sessionResponseSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../api/api-client.ts";

export interface PasswordLogin {
  readonly email: string;
  readonly password: string;
  /** Creates the account first. */
  readonly register: boolean;
  /** What the key is called on the server, so that its owner knows it again. */
  readonly keyName: string;
}

/** Logs in (or registers) with a password and exchanges the session for an account key, which is what is kept. */
export async function loginByPassword(
  server: ApiClient,
  login: PasswordLogin,
): Promise<{ key: string; keyId: string }> {
  const { email, password } = login;
  const session = await server.call(
    "POST",
    `/api/auth/${login.register ? "register" : "login"}`,
    sessionResponseSchema,
    {
      json: { email, password, ...(login.register ? { name: email.split("@")[0] ?? email } : {}) },
    },
  );
  const { key, secret } = await server.call("POST", apiPath("account", "keys"), createAccountKeyResponseSchema, {
    json: { name: login.keyName },
    headers: { authorization: `Bearer ${session.token}` },
  });
  return { key: secret, keyId: key.id };
}
