import type { Env, Hono } from "hono";
import { DEVICE_PAGE } from "./device-page.ts";
import { INVITATION_PAGE } from "./invitation-page.ts";
import { linkPage } from "./link-page.ts";
import { LINK_PAGES } from "./link-pages.ts";
import { type PageChallenge, respondWithPage } from "./page-shell.ts";
import { RESET_PASSWORD_PAGE } from "./reset-password-page.ts";
import { SETUP_DONE_PAGE, SETUP_PAGE } from "./setup-page.ts";

/** The pages that a person sees before there is anything else: set-up, and approving a device's log-in, and where mails lead. */
export function addSetupPages(isSetUp: () => Promise<boolean>, challenge?: PageChallenge) {
  // The pages neither know nor care what the application carries along with a request.
  return <E extends Env>(app: Hono<E>): void => {
    app.get("/setup", async (c) => respondWithPage(c, (await isSetUp()) ? SETUP_DONE_PAGE : SETUP_PAGE));
    app.get("/device", (c) => respondWithPage(c, DEVICE_PAGE, challenge));
    app.get("/invitations", (c) => respondWithPage(c, INVITATION_PAGE, challenge));
    app.get("/reset-password", (c) => respondWithPage(c, RESET_PASSWORD_PAGE));
    for (const facts of LINK_PAGES) app.get(facts.path, (c) => respondWithPage(c, linkPage(facts)));
  };
}
