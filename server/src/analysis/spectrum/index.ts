/** Eigenvalues of the Gauss-Newton Hessian, layer by layer. */
export type { Eigenvalues } from './lanczos.js';
export { knownSpectra, type LayerSpectrum, type LayerSpectrumOptions } from './spectrum.js';
