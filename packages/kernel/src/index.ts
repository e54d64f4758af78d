export {
  BLOB_HASHES,
  type BlobHash,
  BlobMissingError,
  type BlobRange,
  BlobSizeError,
  type BlobStat,
  type BlobStore,
  type PutBlobOptions,
  type StoredBlob,
} from "./blobs/blob-store.ts";
export { createFileBlobStore, type FileBlobStoreOptions } from "./blobs/file-blob-store.ts";
export { createMovingBlobStore, isMoving, type MovingBlobStore } from "./blobs/moving-blob-store.ts";
export { createS3BlobStore, type S3BlobStoreOptions } from "./blobs/s3-blob-store.ts";
export { type Clock, createManualClock, type ManualClock, systemClock } from "./clock.ts";
export { compactHeapAfterStart } from "./compact-heap.ts";
export {
  type ByteRange,
  type ChunkSealer,
  createChunkSealer,
  openChunks,
  plainSizeOf,
  SealBrokenError,
  type SealedSource,
} from "./crypto/chunked-cipher.ts";
export { deriveKey, KEY_BYTES } from "./crypto/derive-key.ts";
export { createId, createUuid, randomText } from "./ids.ts";
export { oneLine } from "./one-line.ts";
export { createRpcPeer, type RpcHandler, type RpcPeer, type RpcPeerOptions } from "./rpc.ts";
export { createS3Client, S3CallError, type S3Client } from "./s3/s3-client.ts";
export { parseS3Location, type S3Location } from "./s3/s3-location.ts";
export {
  type CanonicalRequest,
  canonicalRequest,
  deriveSigningKey,
  EMPTY_SHA256,
  SIGV4_ALGORITHM,
  SIGV4_TERMINATOR,
  type SigningScope,
  scopeText,
  sha256Hex,
  sign,
  stringToSign,
  uriEncode,
  uriEncodePath,
} from "./s3/sigv4.ts";
