/** The name of a database, namespace, bucket or queue within its project. A file of its own: the data host loads no schemas. */
export const RESOURCE_NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;
