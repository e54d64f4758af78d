import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { validateKeyResponseSchema } from "@aerostack/contracts";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { CliError } from "../command/cli-error.ts";
import { loginByPassword } from "../login/password-login.ts";

const accountSchema = z.object({ email: z.string(), password: z.string(), api_key: z.string().optional() });
const fileSchema = z.record(z.string(), accountSchema);
type Account = z.infer<typeof accountSchema>;

const KEY_NAME = "Local development";
const PASSWORD_BYTES = 24;

export interface DevCredentialOptions {
  readonly server: ApiClient;
  /** Folder of the project's configuration. */
  readonly directory: string;
  /** Names the account within the file: a server of the session's own keeps its data, whatever port it gets. */
  readonly account: string;
  /** Of a server that has no account yet. */
  readonly setupToken: string | undefined;
}

/** A key for a local server, from an account that was made up for this project and is kept in `.aerostack/dev`. */
export async function ensureDevCredential(options: DevCredentialOptions): Promise<string> {
  const { server, account: name } = options;
  const file = join(options.directory, ".aerostack", "dev", "accounts.json");
  const accounts = await readAccounts(file);
  const known = accounts[name];
  if (known?.api_key !== undefined && (await isValid(server, known.api_key))) return known.api_key;
  const { account, key } = known === undefined ? await createAccount(options) : await logInAgain(options, known);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ ...accounts, [name]: { ...account, api_key: key } }, null, 2)}\n`, {
    mode: 0o600,
  });
  await chmod(file, 0o600);
  return key;
}

async function readAccounts(file: string): Promise<Record<string, Account>> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return {};
  }
}

async function isValid(server: ApiClient, key: string): Promise<boolean> {
  try {
    await server.withCredential(key).call("POST", "/api/v1/cli/validate", validateKeyResponseSchema);
    return true;
  } catch (error) {
    if (error instanceof CliError && error.kind === "auth") return false;
    throw error;
  }
}

async function createAccount({ server, setupToken }: DevCredentialOptions): Promise<{ account: Account; key: string }> {
  const account = {
    email: `dev-${randomBytes(6).toString("hex")}@localhost.localdomain`,
    // Random letters and digits hold no guarantee of one of each kind, which the server asks for.
    password: `aA1${randomBytes(PASSWORD_BYTES).toString("base64url")}`,
  };
  const { key } = await loginByPassword(server, { ...account, register: true, setupToken, keyName: KEY_NAME });
  return { account, key };
}

/** The key was revoked, or the server's data deleted and the account with it. */
async function logInAgain(options: DevCredentialOptions, account: Account): Promise<{ account: Account; key: string }> {
  const { server } = options;
  try {
    const { email, password } = account;
    const { key } = await loginByPassword(server, { email, password, register: false, keyName: KEY_NAME });
    return { account, key };
  } catch (error) {
    if (error instanceof CliError && error.code === "AUTH_INVALID_CREDENTIALS") return createAccount(options);
    throw error;
  }
}
