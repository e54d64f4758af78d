/** Where committed changes of watched tables wait until the server has them; made in a database when one is watched first. */
export const CHANGE_TABLE = "_cf_aero_changes";

/** Beginning of the names of the temporary triggers; no user can give a trigger such a name. */
export const CAPTURE_TRIGGER_PREFIX = "_cf_aero_watch_";

export const CAPTURE_FUNCTION = "_cf_aero_change";
