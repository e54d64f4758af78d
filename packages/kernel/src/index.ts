export { type Clock, createManualClock, type ManualClock, systemClock } from "./clock.ts";
export { createId, randomText } from "./ids.ts";
export { createRpcPeer, type RpcHandler, type RpcPeer, type RpcPeerOptions } from "./rpc.ts";
