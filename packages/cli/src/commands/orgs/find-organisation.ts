import {
  listOrganisationMembersResponseSchema,
  listOrganisationsResponseSchema,
  type Organisation,
} from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { CliError } from "../../command/cli-error.ts";

export const organisationArgument = required("Name or id of the organisation");
export const memberArgument = required("E-mail address or account id of the member");

const PAGE = 200;

/** One of the account's organisations, by its id or, where one alone has it, its name. Throws ORGANISATION_NOT_FOUND. */
export async function findOrganisation(api: ApiClient, ref: string): Promise<Organisation> {
  const found: Organisation[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: PAGE, cursor };
    const page = await api.call("GET", apiPath("organisations"), listOrganisationsResponseSchema, { query });
    found.push(...page.organisations.filter(({ id, name }) => id === ref || name === ref));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  const [first, ...others] = found.filter(({ id }) => id === ref).concat(found.filter(({ id }) => id !== ref));
  if (first !== undefined && (first.id === ref || others.length === 0)) return first;
  throw new CliError(
    first === undefined
      ? `There is no organisation ${ref} of yours.`
      : `${found.length} organisations are called ${ref}.`,
    {
      kind: first === undefined ? "notFound" : "usage",
      code: first === undefined ? "ORGANISATION_NOT_FOUND" : "ORGANISATION_AMBIGUOUS",
      fix: "`aerostack orgs list` shows yours with their ids.",
    },
  );
}

/** The account id of a member, by it or by the e-mail address. Throws MEMBER_NOT_FOUND. */
export async function findMember(api: ApiClient, organisation: Organisation, ref: string): Promise<string> {
  let cursor: string | undefined;
  do {
    const path = apiPath("organisations", organisation.id, "members");
    const query = { limit: PAGE, cursor };
    const page = await api.call("GET", path, listOrganisationMembersResponseSchema, { query });
    const member = page.members.find(({ accountId, email }) => accountId === ref || email === ref.toLowerCase());
    if (member !== undefined) return member.accountId;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  throw new CliError(`${organisation.name} has no member ${ref}.`, {
    kind: "notFound",
    code: "MEMBER_NOT_FOUND",
    fix: "`aerostack orgs members` shows them.",
  });
}
