import type { ModuleType } from "@aerostack/contracts";
import { CapnpMessage, type StructAt, type StructSize } from "./capnp-message.ts";
import type {
  ServiceDesignator,
  WorkerdBinding,
  WorkerdConfig,
  WorkerdExternal,
  WorkerdModule,
  WorkerdService,
  WorkerdWorker,
} from "./workerd-config.ts";

// Struct sizes, field positions and union tags as the Cap'n Proto compiler lays out workerd.capnp. Fields are only ever
// appended to a schema, so a newer workerd reads this unchanged.
const size = (dataWords: number, pointerWords: number): StructSize => ({ dataWords, pointerWords });
const CONFIG = size(1, 6);
const SOCKET = size(1, 5);
const SERVICE = size(1, 2);
const DESIGNATOR = size(1, 3);
const WORKER = size(1, 13);
const MODULE = size(1, 3);
const BINDING = size(1, 6);
const WRAPPED = size(0, 3);
const NAMESPACE_DESIGNATOR = size(0, 2);
const NAMESPACE = size(1, 3);
const EXTERNAL = size(1, 4);
const HTTP_OPTIONS = size(1, 5);
const HEADER = size(0, 2);
const DISK = size(1, 1);
const EXTENSION = size(0, 1);
const EXTENSION_MODULE = size(1, 2);

const SERVICE_KIND = { worker: 1, external: 3, disk: 4 } as const;
const MODULE_KIND: Readonly<Record<ModuleType, number>> = { esm: 0, commonjs: 1, text: 2, data: 3, wasm: 4, json: 5 };
const BINDING_KIND = {
  text: 2,
  json: 4,
  service: 7,
  durableObjectNamespace: 8,
  kvNamespace: 9,
  r2Bucket: 10,
  wrapped: 12,
  queue: 13,
} as const;
const STYLE_PROXY = 1;
const STORAGE_IN_MEMORY = 1;
const STORAGE_LOCAL_DISK = 2;
const ENABLE_SQL_BIT = 17;

/** The configuration as the binary message that `workerd serve --binary` reads. */
export function encodeConfig(config: WorkerdConfig): Buffer {
  const message = new CapnpMessage();
  const root = message.root(CONFIG);
  message.setStructList(root, 0, SERVICE, config.services, (service, at) => writeService(message, at, service));
  message.setStructList(root, 1, SOCKET, config.sockets, (socket, at) => {
    message.setText(at, 0, socket.name);
    message.setText(at, 1, `unix:${socket.path}`);
    message.setStruct(at, 2, HTTP_OPTIONS);
    writeDesignator(message, message.setStruct(at, 4, DESIGNATOR), { service: socket.service });
  });
  message.setTextList(root, 2, config.v8Flags);
  message.setStructList(root, 3, EXTENSION, [config.extensions], (modules, extension) => {
    message.setStructList(extension, 0, EXTENSION_MODULE, modules, (module, at) => {
      message.setText(at, 0, module.name);
      if (module.internal) message.setBit(at, 0);
      message.setText(at, 1, module.source);
    });
  });
  return message.finish();
}

function writeService(message: CapnpMessage, at: StructAt, service: WorkerdService): void {
  message.setText(at, 0, service.name);
  if ("worker" in service) {
    message.setUint16(at, 0, SERVICE_KIND.worker);
    writeWorker(message, message.setStruct(at, 1, WORKER), service.worker);
  } else if ("external" in service) {
    message.setUint16(at, 0, SERVICE_KIND.external);
    writeExternal(message, message.setStruct(at, 1, EXTERNAL), service.external);
  } else {
    message.setUint16(at, 0, SERVICE_KIND.disk);
    const disk = message.setStruct(at, 1, DISK);
    message.setText(disk, 0, service.disk.path);
    message.setBit(disk, 0); // writable
  }
}

function writeExternal(message: CapnpMessage, at: StructAt, external: WorkerdExternal): void {
  message.setText(at, 0, `unix:${external.path}`);
  const http = message.setStruct(at, 1, HTTP_OPTIONS);
  if (external.proxyStyle === true) message.setUint16(http, 0, STYLE_PROXY);
  message.setStructList(http, 2, HEADER, Object.entries(external.headers), ([name, value], header) => {
    message.setText(header, 0, name);
    message.setText(header, 1, value);
  });
}

function writeWorker(message: CapnpMessage, at: StructAt, worker: WorkerdWorker): void {
  message.setStructList(at, 0, MODULE, worker.modules, (module, moduleAt) => writeModule(message, moduleAt, module));
  message.setText(at, 1, worker.compatibilityDate);
  message.setTextList(at, 2, worker.compatibilityFlags);
  message.setStructList(at, 3, BINDING, worker.bindings, (binding, to) => writeBinding(message, to, binding));
  writeDesignator(message, message.setStruct(at, 4, DESIGNATOR), { service: worker.globalOutbound });
  message.setStructList(at, 5, NAMESPACE, worker.durableObjects, (namespace, to) => {
    message.setText(to, 0, namespace.className);
    message.setText(to, 1, namespace.uniqueKey);
    message.setBit(to, ENABLE_SQL_BIT);
  });
  if (worker.cacheApiOutbound !== undefined) {
    writeDesignator(message, message.setStruct(at, 7, DESIGNATOR), { service: worker.cacheApiOutbound });
  }
  if (worker.durableObjects.length > 0) {
    message.setUint16(at, 2, worker.durableObjectDisk === null ? STORAGE_IN_MEMORY : STORAGE_LOCAL_DISK);
    if (worker.durableObjectDisk !== null) message.setText(at, 8, worker.durableObjectDisk);
  }
  message.setStructList(at, 10, DESIGNATOR, worker.tails, (tail, to) => writeDesignator(message, to, tail));
}

function writeModule(message: CapnpMessage, at: StructAt, module: WorkerdModule): void {
  message.setText(at, 0, module.name);
  message.setUint16(at, 0, MODULE_KIND[module.type]);
  if (module.type === "data" || module.type === "wasm") message.setData(at, 1, module.content);
  else message.setText(at, 1, module.content);
}

function writeDesignator(message: CapnpMessage, at: StructAt, target: ServiceDesignator): void {
  message.setText(at, 0, target.service);
  if (target.entrypoint !== undefined) message.setText(at, 1, target.entrypoint);
  if (target.props !== undefined) {
    message.setUint16(at, 0, 1);
    message.setText(at, 2, target.props);
  }
}

function writeBinding(message: CapnpMessage, at: StructAt, binding: WorkerdBinding): void {
  message.setText(at, 0, binding.name);
  message.setUint16(at, 0, BINDING_KIND[binding.type]);
  switch (binding.type) {
    case "text":
    case "json":
      message.setText(at, 1, binding.value);
      return;
    case "service":
      writeDesignator(message, message.setStruct(at, 1, DESIGNATOR), binding.target);
      return;
    case "kvNamespace":
    case "r2Bucket":
    case "queue":
      writeDesignator(message, message.setStruct(at, 1, DESIGNATOR), { service: binding.service });
      return;
    case "durableObjectNamespace": {
      const namespace = message.setStruct(at, 1, NAMESPACE_DESIGNATOR);
      message.setText(namespace, 0, binding.className);
      message.setText(namespace, 1, binding.service);
      return;
    }
    case "wrapped": {
      const wrapped = message.setStruct(at, 1, WRAPPED);
      message.setText(wrapped, 0, binding.module);
      message.setStructList(wrapped, 2, BINDING, binding.inner, (inner, to) => writeBinding(message, to, inner));
    }
  }
}
