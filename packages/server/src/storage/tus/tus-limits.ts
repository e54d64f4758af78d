/** One resumable upload: as large as S3's largest object. */
export const MAX_UPLOAD_BYTES = 5 * 1024 ** 4;
/** Uploads that one is put together of: what fits into one header. */
export const MAX_CONCATENATED = 100;
