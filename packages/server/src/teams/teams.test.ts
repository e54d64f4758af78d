import { expect, it } from "vitest";
import { createMemoryBus } from "../kernel/bus/memory-bus.ts";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { personalOrganisationId, type TeamTables } from "./tables.ts";

const DAY_MS = 24 * 60 * 60_000;

describeEachControlDatabase("teams", (openDatabase) => {
  async function start() {
    const sql = await openDatabase();
    const test = await createTestApp(sql);
    const ada = await test.createDeveloper("ada@example.com");
    const bob = await test.createDeveloper("bob@example.com");
    const eve = await test.createDeveloper("eve@example.com");
    const created = await ada.call("POST", "/api/v1/organisations", { name: "Engines" });
    const path = `/api/v1/organisations/${created.body.organisation.id}`;
    const id: string = created.body.organisation.id;
    const invite = async (email: string, role: string, by = ada) => {
      const { status, body } = await by.call("POST", `${path}/invitations`, { email, role });
      return { status, body, token: String(body.link).split("token=")[1] ?? "" };
    };
    const join = async (who: typeof ada, role: string) => {
      const { token } = await invite(who.email, role);
      const accepted = await who.call("POST", "/api/v1/invitations/accept", { token });
      expect(accepted.status).toBe(200);
    };
    const project = async (by = ada) =>
      (await by.call("POST", "/api/v1/projects", { name: "Shop", organisation: id })).body.project;
    const makeOwner = async (who: typeof ada) => {
      await ada.call("POST", `${path}/ownership-offer`, { member: who.user.id, keepOwnership: true });
      expect((await who.call("POST", `${path}/ownership-offer/accept`)).status).toBe(200);
    };
    return { ...test, sql, ada, bob, eve, id, path, invite, join, project, makeOwner };
  }

  it("give every account an organisation of its own, that stays its own", async () => {
    const { ada, bob, invite } = await start();
    const own = personalOrganisationId(ada.user.id);
    const listed = await ada.call("GET", "/api/v1/organisations");
    expect(listed.body.organisations).toMatchObject([
      { id: own, isPersonal: true, role: "owner" },
      { name: "Engines" },
    ]);
    expect(((await ada.createProject("Mine")) as { organisationId?: string }).organisationId).toBe(own);
    const path = `/api/v1/organisations/${own}`;
    expect((await ada.call("DELETE", path)).status).toBe(409);
    expect((await ada.call("POST", `${path}/leave`)).status).toBe(409);
    expect((await ada.call("POST", `${path}/ownership-offer`, { member: bob.user.id })).status).toBe(409);
    expect((await bob.call("GET", path)).status).toBe(404);
    expect((await invite("x@example.com", "viewer", bob)).status).toBe(404);
  });

  it("let members do what their role says: 404 for strangers, 403 with the permission's name for members", async () => {
    const { bob, eve, path, join, project } = await start();
    const shop = await project();
    await join(bob, "viewer");
    expect((await bob.call("GET", `/api/v1/projects/${shop.slug}`)).body.project.organisationId).toBe(
      shop.organisationId,
    );
    expect((await bob.call("GET", "/api/v1/projects")).body.projects).toHaveLength(1);
    const refused = await bob.call("PATCH", `/api/v1/projects/${shop.id}`, { name: "Other" });
    expect(refused).toMatchObject({ status: 403, body: { error: { details: { permission: "project.write" } } } });
    expect((await bob.call("GET", `/api/v1/projects/${shop.id}/keys`)).status).toBe(403);
    expect(
      (await bob.call("POST", "/api/v1/projects", { name: "Mine", organisation: shop.organisationId })).status,
    ).toBe(403);
    for (const url of [`/api/v1/projects/${shop.id}`, path, `${path}/members`, `${path}/roles`]) {
      expect((await eve.call("GET", url)).status, url).toBe(404);
    }
    expect((await eve.call("GET", "/api/v1/projects")).body.projects).toEqual([]);
  });

  it("invite by a token for the invited address alone, for a week, once, and by mail", async () => {
    const { ada, bob, eve, path, invite, clock, readMail, sql } = await start();
    const { body, token } = await invite("bob@example.com", "developer");
    expect((await readMail("bob@example.com")).at(-1)?.text).toContain(body.link);
    const stored = await sql.withTables<TeamTables>().db.selectFrom("organisation_invitations").selectAll().execute();
    expect(JSON.stringify(stored)).not.toContain(token);
    expect((await eve.call("POST", "/api/v1/invitations/accept", { token })).status).toBe(403);
    expect((await bob.call("POST", "/api/v1/invitations/show", { token })).body).toMatchObject({ role: "developer" });
    expect((await bob.call("POST", "/api/v1/invitations/accept", { token })).status).toBe(200);
    expect((await bob.call("POST", "/api/v1/invitations/accept", { token })).status).toBe(404);

    const late = await invite("eve@example.com", "viewer");
    clock.advance(7 * DAY_MS);
    expect((await eve.call("POST", "/api/v1/invitations/accept", { token: late.token })).status).toBe(404);
    const again = await invite("eve@example.com", "viewer");
    await ada.call("DELETE", `${path}/invitations/${again.body.invitation.id}`);
    expect((await eve.call("POST", "/api/v1/invitations/accept", { token: again.token })).status).toBe(404);
    const declined = await invite("eve@example.com", "viewer");
    expect((await eve.call("POST", "/api/v1/invitations/decline", { token: declined.token })).status).toBe(200);
    expect((await eve.call("POST", "/api/v1/invitations/accept", { token: declined.token })).status).toBe(404);
    const { invitations } = (await ada.call("GET", `${path}/invitations`)).body;
    expect(invitations.map(({ status }: { status: string }) => status).toSorted()).toEqual([
      "accepted",
      "declined",
      "revoked",
      "revoked",
    ]);
  });

  it("take an invitation once, however many accept at the same time", async () => {
    const { ada, bob, path, invite } = await start();
    const { token } = await invite("bob@example.com", "developer");
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => bob.call("POST", "/api/v1/invitations/accept", { token })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status } of answers) expect([200, 404, 409]).toContain(status);
    expect((await ada.call("GET", `${path}/members`)).body.members).toHaveLength(2);
  });

  it("forget invitations of somebody who may not invite any more", async () => {
    const { ada, bob, eve, path, invite, join } = await start();
    await join(bob, "admin");
    const { token } = await invite("eve@example.com", "developer", bob);
    await ada.call("PATCH", `${path}/members/${bob.user.id}`, { role: "viewer" });
    expect((await eve.call("POST", "/api/v1/invitations/accept", { token })).status).toBe(404);
  });

  it("keep the last owner, also when two leave at once", async () => {
    const { ada, bob, path, join, makeOwner } = await start();
    expect((await ada.call("POST", `${path}/leave`)).status).toBe(409);
    await join(bob, "developer");
    expect((await ada.call("POST", `${path}/leave`)).status).toBe(409);
    await makeOwner(bob);
    const left = await Promise.all([ada.call("POST", `${path}/leave`), bob.call("POST", `${path}/leave`)]);
    expect(left.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const stays = left[0].status === 409 ? ada : bob;
    expect((await stays.call("GET", path)).body.organisation.role).toBe("owner");
    expect((await stays.call("GET", `${path}/members`)).body.members).toHaveLength(1);
  });

  it("give nobody rights that the giver lacks", async () => {
    const { ada, bob, eve, path, invite, join } = await start();
    await join(bob, "admin");
    await join(eve, "viewer");
    expect((await invite("x@example.com", "owner")).status).toBe(400);
    expect((await bob.call("PATCH", `${path}/members/${eve.user.id}`, { role: "owner" })).status).toBe(400);
    expect((await bob.call("PATCH", `${path}/members/${ada.user.id}`, { role: "viewer" })).status).toBe(403);
    expect((await bob.call("DELETE", `${path}/members/${ada.user.id}`)).status).toBe(403);
    expect((await bob.call("POST", `${path}/ownership-offer`, { member: eve.user.id })).status).toBe(403);
    const helper = await ada.call("POST", `${path}/roles`, {
      name: "Helper",
      permissions: ["members.read", "members.write", "roles.write", "project.read"],
    });
    await ada.call("PATCH", `${path}/members/${eve.user.id}`, { role: helper.body.role.id });
    expect((await invite("x@example.com", "developer", eve)).status).toBe(403);
    expect(
      (await eve.call("POST", `${path}/roles`, { name: "More", permissions: ["data.write", "project.read"] })).status,
    ).toBe(403);
    const widen = { permissions: ["members.write", "roles.write", "project.read", "keys.write"] };
    expect((await eve.call("PATCH", `${path}/roles/${helper.body.role.id}`, widen)).status).toBe(403);
    expect((await eve.call("DELETE", `${path}/members/${bob.user.id}`)).status).toBe(403);
    const forOwners = { name: "Ruler", permissions: ["ownership.transfer", "organisation.delete"] };
    expect((await ada.call("POST", `${path}/roles`, forOwners)).status).toBe(400);
  });

  it("have roles of their own, which count for their members as they are now", async () => {
    const { ada, bob, path, join, project } = await start();
    const shop = await project();
    const made = await ada.call("POST", `${path}/roles`, {
      name: "Support",
      permissions: ["project.read", "logs.read"],
    });
    const roleId = made.body.role.id;
    await join(bob, roleId);
    expect((await bob.call("GET", `/api/v1/projects/${shop.id}/keys`)).status).toBe(403);
    await ada.call("PATCH", `${path}/roles/${roleId}`, { permissions: ["project.read", "keys.read"] });
    expect((await bob.call("GET", `/api/v1/projects/${shop.id}/keys`)).status).toBe(200);
    expect((await ada.call("DELETE", `${path}/roles/${roleId}`)).status).toBe(409);
    await ada.call("PATCH", `${path}/members/${bob.user.id}`, { role: "viewer" });
    expect((await ada.call("DELETE", `${path}/roles/${roleId}`)).status).toBe(200);
    expect((await ada.call("POST", `${path}/roles`, { name: "Owner", permissions: [] })).status).toBe(400);
    expect((await ada.call("POST", `${path}/roles`, { name: "Blind", permissions: ["data.read"] })).status).toBe(400);
  });

  it("shut a removed member out on every server within a second, with all their keys", async () => {
    const { ada, bob, path, id, join, project, sql, clock, controlPlane } = await start();
    const shop = await project();
    await join(bob, "developer");
    const other = await createTestApp(sql, { clock, bus: createMemoryBus() });
    const headers = { "x-api-key": bob.accountKey };
    const ask = () => other.call("GET", `/api/v1/projects/${shop.id}/keys`, { headers });
    expect((await ask()).status).toBe(200);
    expect((await ada.call("DELETE", `${path}/members/${bob.user.id}`)).status).toBe(200);
    expect((await bob.call("GET", `/api/v1/projects/${shop.id}`)).status).toBe(404);
    clock.advance(1_000);
    expect((await ask()).status).toBe(404);
    const principal = await controlPlane.resolver.resolve(bob.accountKey);
    expect(principal?.kind === "account" && principal.access.has(id)).toBe(false);
  });

  it("look again at the right of whoever acts, in the change itself", async () => {
    const { ada, bob, eve, path, join } = await start();
    await join(bob, "admin");
    await join(eve, "viewer");
    const [demoted, changed] = await Promise.all([
      ada.call("PATCH", `${path}/members/${bob.user.id}`, { role: "viewer" }),
      bob.call("PATCH", `${path}/members/${eve.user.id}`, { role: "admin" }),
    ]);
    expect(demoted.status).toBe(200);
    expect([200, 403]).toContain(changed.status);
    const { members } = (await ada.call("GET", `${path}/members`)).body;
    const eves = members.find(({ accountId }: { accountId: string }) => accountId === eve.user.id);
    expect(eves.role).toBe(changed.status === 200 ? "admin" : "viewer");
    expect((await bob.call("PATCH", `${path}/members/${eve.user.id}`, { role: "developer" })).status).toBe(403);
  });

  it("narrow and widen a role for one project, and hide it", async () => {
    const { ada, bob, path, join, project } = await start();
    const [shop, blog] = [await project(), await project()];
    await join(bob, "viewer");
    const put = (role: string) => ada.call("PUT", `/api/v1/projects/${shop.id}/access/${bob.user.id}`, { role });
    const keys = (of: { id: string }) => bob.call("GET", `/api/v1/projects/${of.id}/keys`);
    expect((await put("developer")).status).toBe(200);
    expect([(await keys(shop)).status, (await keys(blog)).status]).toEqual([200, 403]);
    expect((await put("none")).status).toBe(200);
    expect((await keys(shop)).status).toBe(404);
    expect((await bob.call("GET", "/api/v1/projects")).body.projects).toMatchObject([{ id: blog.id }]);
    expect((await ada.call("DELETE", `/api/v1/projects/${shop.id}/access/${bob.user.id}`)).status).toBe(200);
    expect((await keys(shop)).status).toBe(403);
    const own = await ada.call("PUT", `/api/v1/projects/${shop.id}/access/${ada.user.id}`, { role: "none" });
    expect(own.status).toBe(409);
    expect((await put("rol_none")).status).toBe(400);
    expect((await bob.call("GET", `${path}/members`)).status).toBe(200);
  });

  it("change hands when the new owner accepts, and not before", async () => {
    const { ada, bob, eve, path, join } = await start();
    await join(bob, "developer");
    await ada.call("POST", `${path}/ownership-offer`, { member: bob.user.id });
    expect((await bob.call("GET", path)).body.organisation.role).toBe("developer");
    expect((await eve.call("POST", `${path}/ownership-offer/accept`)).status).toBe(404);
    expect((await ada.call("POST", `${path}/ownership-offer/accept`)).status).toBe(404);
    expect((await bob.call("DELETE", `${path}/ownership-offer`)).status).toBe(200);
    expect((await bob.call("POST", `${path}/ownership-offer/accept`)).status).toBe(404);
    await ada.call("POST", `${path}/ownership-offer`, { member: bob.user.id });
    expect((await bob.call("POST", `${path}/ownership-offer/accept`)).status).toBe(200);
    expect((await bob.call("GET", path)).body.organisation.role).toBe("owner");
    expect((await ada.call("GET", path)).body.organisation.role).toBe("admin");
  });

  it("move a project with its keys, and the roles there count", async () => {
    const { ada, bob, call, id, join } = await start();
    const mine = await ada.createProject("Mine");
    const key = await ada.createKey(mine, "secret");
    await join(bob, "developer");
    expect((await bob.call("GET", `/api/v1/projects/${mine.id}`)).status).toBe(404);
    const elsewhere = personalOrganisationId(bob.user.id);
    const move = (to: string) => ada.call("POST", `/api/v1/projects/${mine.id}/move`, { organisation: to });
    expect((await move(elsewhere)).status).toBe(404);
    expect((await move(id)).status).toBe(200);
    expect((await bob.call("GET", `/api/v1/projects/${mine.id}`)).status).toBe(200);
    expect((await bob.call("POST", `/api/v1/projects/${mine.id}/move`, { organisation: elsewhere })).status).toBe(403);
    expect((await call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key.secret } })).status).toBe(200);
  });

  it("end when they have no projects, and write every change down", async () => {
    const { ada, bob, path, id, join, project, sql } = await start();
    const shop = await project();
    await join(bob, "developer");
    expect((await bob.call("DELETE", path)).status).toBe(403);
    expect((await ada.call("DELETE", path)).status).toBe(409);
    await ada.call("DELETE", `/api/v1/projects/${shop.id}?confirm=${shop.slug}`);
    expect((await ada.call("DELETE", path)).status).toBe(200);
    expect((await ada.call("GET", path)).status).toBe(404);
    expect((await bob.call("GET", path)).status).toBe(404);
    const entries = await sql
      .withTables<{ audit_entries: { action: string; organisation_id: string; actor_id: string } }>()
      .db.selectFrom("audit_entries")
      .select(["action", "actor_id"])
      .where("organisation_id", "=", id)
      .where("action", "!=", "call.refused")
      .execute();
    expect(entries.map(({ action }) => action).toSorted()).toEqual(
      [
        "invitation.accepted",
        "member.invited",
        "organisation.created",
        "organisation.deleted",
        "project.created",
        "project.deleted",
      ].toSorted(),
    );
    expect(new Set(entries.map(({ actor_id }) => actor_id))).toEqual(new Set([ada.user.id, bob.user.id]));
  });
});
