/** For tests of all rooms: what has nothing to do with any of them. Not part of the product. */
export { folderForTests, foldersForTests, temporaryFolder } from './folders.js';
