/**
 * This folder is responsible for how anybody proves who they are: codes, tokens, authenticator apps, passkeys, other
 * providers. It knows neither accounts nor the users of projects; whoever uses it says in whose table something lies and in
 * which realm. It never opens a session and never decides what somebody may do.
 *
 * A realm is what sets people apart within one table, as columns: `{ project_id }` for the users of a project, nothing for
 * the accounts of an installation. What lies in one realm is not found in another.
 */
export type Realm = Readonly<Record<string, string>>;
