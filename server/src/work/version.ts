/** The product's version, from its manifest. */
import manifest from '../../../package.json';

export const VERSION: string = manifest.version;
