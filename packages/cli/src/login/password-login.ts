import { createAccountKeyResponseSchema, loginResponseSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../api/api-client.ts";
import { CliError } from "../command/cli-error.ts";

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
  const answer = await server.call("POST", `/api/auth/${path}`, loginResponseSchema, {
    json: {
      email,
      password,
      ...(path === "login" ? {} : newAccount),
      ...(setupToken === undefined ? {} : { token: setupToken }),
    },
  });
  if ("mfaRequired" in answer) {
    throw new CliError("This account logs in with an authenticator app, too.", {
      code: "SECOND_FACTOR_NEEDED",
      fix: "Run `aerostack login` without --email and enter the code in the browser.",
    });
  }
  return sessionKey(server, answer.token, login.keyName);
}

async function sessionKey(server: ApiClient, token: string, name: string): Promise<AccountKey> {
  const { key, secret } = await server.call("POST", apiPath("account", "keys"), createAccountKeyResponseSchema, {
    json: { name },
    headers: { authorization: `Bearer ${token}` },
  });
  return { key: secret, keyId: key.id };
}
