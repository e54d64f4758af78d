import type { Kysely, Selectable } from "kysely";
import type { FrontDoorTables } from "../tables.ts";

type Db = Kysely<FrontDoorTables>;
export type CertificateRow = Selectable<FrontDoorTables["acme_certificates"]>;
export type AcmeAccountRow = Selectable<FrontDoorTables["acme_accounts"]>;

export const acmeStore = {
  async findAccount(db: Db, directoryUrl: string): Promise<AcmeAccountRow | undefined> {
    return await db
      .selectFrom("acme_accounts")
      .selectAll()
      .where("directory_url", "=", directoryUrl)
      .executeTakeFirst();
  },

  /** The row that is there first wins: servers that start together have one account. */
  async insertAccount(db: Db, row: AcmeAccountRow): Promise<void> {
    await db
      .insertInto("acme_accounts")
      .values(row)
      .onConflict((conflict) => conflict.column("directory_url").doNothing())
      .execute();
  },

  async setAccountUrl(db: Db, directoryUrl: string, accountUrl: string): Promise<void> {
    await db
      .updateTable("acme_accounts")
      .set({ account_url: accountUrl })
      .where("directory_url", "=", directoryUrl)
      .execute();
  },

  async findCertificate(db: Db, hostname: string): Promise<CertificateRow | undefined> {
    return await db.selectFrom("acme_certificates").selectAll().where("hostname", "=", hostname).executeTakeFirst();
  },

  async listCertificates(db: Db): Promise<CertificateRow[]> {
    return await db.selectFrom("acme_certificates").selectAll().orderBy("hostname").execute();
  },

  async insertCertificate(db: Db, hostname: string, nowMs: number): Promise<void> {
    await db
      .insertInto("acme_certificates")
      .values({
        hostname,
        certificate: null,
        private_key: null,
        not_after: null,
        due_at: nowMs,
        lease_until: 0,
        failures: 0,
        last_error: null,
        created_at: nowMs,
        updated_at: nowMs,
      })
      .onConflict((conflict) => conflict.column("hostname").doNothing())
      .execute();
  },

  async removeCertificate(db: Db, hostname: string): Promise<void> {
    await db.deleteFrom("acme_certificates").where("hostname", "=", hostname).execute();
  },

  async listDue(db: Db, nowMs: number, limit: number): Promise<CertificateRow[]> {
    return await db
      .selectFrom("acme_certificates")
      .selectAll()
      .where("due_at", "<=", nowMs)
      .where("lease_until", "<=", nowMs)
      .orderBy("due_at")
      .limit(limit)
      .execute();
  },

  /** True for the one server that gets it. */
  async lease(db: Db, row: CertificateRow, untilMs: number): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable("acme_certificates")
      .set({ lease_until: untilMs })
      .where("hostname", "=", row.hostname)
      .where("lease_until", "=", row.lease_until)
      .where("due_at", "=", row.due_at)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  },

  async update(db: Db, hostname: string, values: Partial<Omit<CertificateRow, "hostname">>): Promise<void> {
    await db.updateTable("acme_certificates").set(values).where("hostname", "=", hostname).execute();
  },

  async putChallenge(db: Db, row: Selectable<FrontDoorTables["acme_challenges"]>, nowMs: number): Promise<void> {
    await db.deleteFrom("acme_challenges").where("expires_at", "<", nowMs).execute();
    await db
      .insertInto("acme_challenges")
      .values(row)
      .onConflict((conflict) => conflict.column("token").doUpdateSet(row))
      .execute();
  },

  async findChallenge(db: Db, token: string, nowMs: number): Promise<string | undefined> {
    const row = await db
      .selectFrom("acme_challenges")
      .select("key_authorization")
      .where("token", "=", token)
      .where("expires_at", ">", nowMs)
      .executeTakeFirst();
    return row?.key_authorization;
  },

  async removeChallenge(db: Db, token: string): Promise<void> {
    await db.deleteFrom("acme_challenges").where("token", "=", token).execute();
  },
};
