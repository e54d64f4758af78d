import { createAccountKeyResponseSchema, sessionResponseSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../api/api-client.ts";

export interface AccountKey {
  readonly key: string;
  readonly keyId: string;
}

export interface PasswordLogin {
  readonly email: string;
  readonly password: string;
  /** Creates the account first; the person has confirmed to be of age. */
  readonly register: boolean;
  /** Of the set-up link that the server prints until its first account exists. */
  readonly setupToken?: string | undefined;
  /** What the key is called on the server, so that its owner knows it again. */
  readonly keyName: string;
}

/** Logs in (or registers) with a password and exchanges the session for an account key, which is what is kept. */
export async function loginByPassword(server: ApiClient, login: PasswordLogin): Promise<AccountKey> {
  const { email, password, setupToken } = login;
  const newAccount = { name: email.split("@")[0] ?? email, ageConfirmed: true };
  const path = setupToken !== undefined ? "setup" : login.register ? "register" : "login";
  const { token } = await server.call("POST", `/api/auth/${path}`, sessionResponseSchema, {
    json: {
      email,
      password,
      ...(path === "login" ? {} : newAccount),
      ...(setupToken === undefined ? {} : { token: setupToken }),
    },
  });
  return sessionKey(server, token, login.keyName);
}

async function sessionKey(server: ApiClient, token: string, name: string): Promise<AccountKey> {
  const { key, secret } = await server.call("POST", apiPath("account", "keys"), createAccountKeyResponseSchema, {
    json: { name },
    headers: { authorization: `Bearer ${token}` },
  });
  return { key: secret, keyId: key.id };
}
