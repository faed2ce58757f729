/** For tests of other rooms: small models written as they are described, and the real ones that the project has. */
export { modelOf, realModels } from '../testing-models.js';
export { mapValue } from '../testing-maps.js';
