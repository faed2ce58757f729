/** For tests of other rooms: small models written as they are described, and the real ones that the project has. */
export { graphBytes, modelOf, realModels, unwrittenModel } from './models.js';
export { mapValue } from './maps.js';
