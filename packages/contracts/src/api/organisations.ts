import { z } from "zod";
import { OWNER_PERMISSIONS, type Permission, permissionSchema } from "../permissions.ts";
import { emailSchema } from "./accounts.ts";
import { displayNameSchema, nextCursorSchema, timestampSchema } from "./common.ts";
import { projectParamsSchema } from "./projects.ts";

const idSchema = z.string().min(1).max(100);

export const organisationSchema = z.object({
  id: z.string(),
  name: z.string(),
  logoUrl: z.string().nullable().default(null).describe("Of the logo, at this server"),
  isPersonal: z.boolean().describe("An account's own: it can be neither left, given away nor deleted"),
  role: z.string().describe("The caller's role: a built-in role's name or a custom role's id"),
  permissions: z.array(permissionSchema).describe("What the caller may do"),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type Organisation = z.infer<typeof organisationSchema>;

export const organisationParamsSchema = z.object({
  organisation: idSchema.describe("The organisation's id"),
});
export const createOrganisationRequestSchema = z.object({ name: displayNameSchema(2) });
export const renameOrganisationRequestSchema = z.object({ name: displayNameSchema(2) });
export const organisationResponseSchema = z.object({ organisation: organisationSchema });
export const listOrganisationsResponseSchema = z.object({
  organisations: z.array(organisationSchema),
  nextCursor: nextCursorSchema,
});

export const listOwnerlessOrganisationsResponseSchema = z.object({
  organisations: z.array(z.object({ id: z.string(), name: z.string(), createdAt: timestampSchema })),
  nextCursor: nextCursorSchema,
});
export const ownerlessOrganisationParamsSchema = z.object({ ownerless: idSchema.describe("The organisation's id") });
export const appointOwnerRequestSchema = z.object({ member: idSchema.describe("The member's account id") });

const roleRefSchema = idSchema.describe(
  "A built-in role (owner, admin, developer, billing, viewer) or a custom role's id",
);

export const organisationMemberSchema = z.object({
  accountId: z.string(),
  email: z.string(),
  name: z.string().nullable(),
  role: z.string(),
  joinedAt: timestampSchema,
});
export type OrganisationMember = z.infer<typeof organisationMemberSchema>;

export const organisationMemberParamsSchema = organisationParamsSchema.extend({
  member: idSchema.describe("The member's account id"),
});
export const changeMemberRequestSchema = z.object({ role: roleRefSchema });
export const organisationMemberResponseSchema = z.object({ member: organisationMemberSchema });
export const listOrganisationMembersResponseSchema = z.object({
  members: z.array(organisationMemberSchema),
  nextCursor: nextCursorSchema,
});

/** Owners' rights belong to owners alone, and whoever may do something with projects may see them. */
const rolePermissionsSchema = z
  .array(permissionSchema)
  .max(100)
  .transform((list) => [...new Set<Permission>(["organisation.read", ...list])])
  .refine((list) => !list.some((permission) => OWNER_PERMISSIONS.includes(permission)), {
    message: `${OWNER_PERMISSIONS.join(" and ")} are for owners only`,
  })
  .describe("organisation.read is always among them");

export const organisationRoleSchema = z.object({
  id: z.string().describe("A built-in role's name, or a custom role's id"),
  name: z.string(),
  isBuiltIn: z.boolean(),
  permissions: z.array(permissionSchema),
});
export type OrganisationRole = z.infer<typeof organisationRoleSchema>;

export const organisationRoleParamsSchema = organisationParamsSchema.extend({ role: idSchema });
export const createOrganisationRoleRequestSchema = z.object({
  name: displayNameSchema(2),
  permissions: rolePermissionsSchema,
});
export const updateOrganisationRoleRequestSchema = z.object({
  name: displayNameSchema(2).optional(),
  permissions: rolePermissionsSchema.optional(),
});
export const organisationRoleResponseSchema = z.object({ role: organisationRoleSchema });
export const listOrganisationRolesResponseSchema = z.object({
  roles: z.array(organisationRoleSchema),
  nextCursor: nextCursorSchema,
});

export const organisationInvitationSchema = z.object({
  id: z.string(),
  email: z.string(),
  role: z.string(),
  invitedBy: z.string().describe("The account id of who invited"),
  status: z.enum(["pending", "accepted", "declined", "revoked", "expired"]),
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
});
export type OrganisationInvitation = z.infer<typeof organisationInvitationSchema>;

export const organisationInvitationParamsSchema = organisationParamsSchema.extend({ invitation: idSchema });
export const createInvitationRequestSchema = z.object({ email: emailSchema, role: roleRefSchema });
export const createInvitationResponseSchema = z.object({
  invitation: organisationInvitationSchema,
  link: z
    .string()
    .describe("What the e-mail leads to; shown this once. Only an account of the invited address can use it"),
});
export const listInvitationsResponseSchema = z.object({
  invitations: z.array(organisationInvitationSchema),
  nextCursor: nextCursorSchema,
});
export const invitationTokenRequestSchema = z.object({ token: z.string().min(1).max(200) });
export const invitationDetailsSchema = z.object({
  organisation: z.object({ id: z.string(), name: z.string() }),
  role: z.string(),
  roleName: z.string().describe("As people are shown it"),
});

export const ownershipOfferSchema = z.object({
  fromAccountId: z.string(),
  toAccountId: z.string(),
  keepsOwnership: z.boolean(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
});
export type OwnershipOffer = z.infer<typeof ownershipOfferSchema>;
export const ownershipOfferRequestSchema = z.object({
  member: idSchema.describe("The account id of the member who shall own the organisation"),
  keepOwnership: z
    .boolean()
    .default(false)
    .describe("True: the member becomes an owner beside the one who offers, who is an admin afterwards otherwise"),
});
export const ownershipOfferResponseSchema = z.object({ offer: ownershipOfferSchema.nullable() });

export const moveProjectRequestSchema = z.object({ organisation: idSchema.describe("Where the project shall belong") });

export const projectAccessSchema = z.object({
  accountId: z.string(),
  email: z.string(),
  role: z.string().describe("In place of the member's role, for this project; `none` hides it"),
});
export type ProjectAccess = z.infer<typeof projectAccessSchema>;
export const projectAccessParamsSchema = projectParamsSchema.extend({
  member: idSchema.describe("The member's account id"),
});
export const putProjectAccessRequestSchema = z.object({
  role: idSchema.describe("A built-in role, a custom role's id, or `none`"),
});
export const projectAccessResponseSchema = z.object({ access: projectAccessSchema });
export const listProjectAccessResponseSchema = z.object({
  access: z.array(projectAccessSchema),
  nextCursor: nextCursorSchema,
});
