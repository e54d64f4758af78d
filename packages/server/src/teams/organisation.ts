/** An organisation as other capabilities need it. */
export interface OrganisationRecord {
  readonly id: string;
  readonly name: string;
  /** The account that it is the personal organisation of. */
  readonly personalAccountId: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}
