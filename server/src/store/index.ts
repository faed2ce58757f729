/** Results on disk, by everything that determines them; and the identity of models, remembered there. */
export { memoryStore, openStore, type Store, type StoreOptions } from './open-store.js';
export { type Collected } from './collect.js';
export { defaultFolder, surroundings, type Surroundings } from './default-folder.js';
export { machine, type FileStatus, type FolderItem, type StoreFileSystem } from './file-system.js';
export { keyOf } from './key.js';
export { NotStorable } from './encode.js';
export { type StoreProblem } from './problem.js';
export { fingerprint, rememberedFingerprint } from './model-fingerprint.js';
