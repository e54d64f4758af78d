export { AerostackError, type AerostackErrorOptions, type SerialisedError } from "./aerostack-error.ts";
export * from "./api/abuse.ts";
export * from "./api/account-codes.ts";
export * from "./api/account-factors.ts";
export * from "./api/account-lifecycle.ts";
export * from "./api/account-passkeys.ts";
export * from "./api/account-proof.ts";
export * from "./api/account-providers.ts";
export * from "./api/accounts.ts";
export * from "./api/audit.ts";
export * from "./api/blocks.ts";
export * from "./api/cache.ts";
export * from "./api/collections.ts";
export * from "./api/common.ts";
export * from "./api/data.ts";
export * from "./api/domains.ts";
export * from "./api/end-user-admin.ts";
export * from "./api/end-user-factors.ts";
export * from "./api/end-user-model.ts";
export * from "./api/end-user-oauth.ts";
export * from "./api/end-user-profile.ts";
export * from "./api/end-user-settings.ts";
export * from "./api/end-users.ts";
export * from "./api/firewall.ts";
export * from "./api/functions.ts";
export * from "./api/jobs.ts";
export * from "./api/keys.ts";
export * from "./api/leaked-keys.ts";
export * from "./api/legal.ts";
export * from "./api/logs.ts";
export * from "./api/network.ts";
export * from "./api/notices.ts";
export * from "./api/organisation-sign-on.ts";
export * from "./api/organisations.ts";
export * from "./api/projects.ts";
export * from "./api/queue-endpoints.ts";
export * from "./api/realtime.ts";
export * from "./api/storage.ts";
export * from "./api/support.ts";
export {
  type AssetsConfig,
  bindingNameSchema,
  cronExpressionSchema,
  type DeployConfig,
  deployConfigSchema,
  type FunctionEnvironment,
  functionEnvironmentSchema,
  functionNameSchema,
  MODULE_TYPES,
  type ModuleType,
  type QueueConsumerConfig,
  resourceNameSchema,
} from "./deploy-config.ts";
export { ERRORS, type ErrorCode, type ErrorDefinition } from "./error-codes.ts";
export {
  ALL_KEY_SCOPES,
  GRANTABLE_SCOPES,
  KEY_SERVICES,
  type KeyScope,
  type KeyService,
  keyScopesSchema,
  type ScopeLevel,
  scopesOfGrant,
} from "./key-scopes.ts";
export {
  ALL_PERMISSIONS,
  OWNER_PERMISSIONS,
  PERMISSIONS,
  type Permission,
  type PermissionScope,
  permissionSchema,
} from "./permissions.ts";
export * from "./plans.ts";
