/** Eigenvalues of Hessians, layer by layer: of the Gauss-Newton Hessian of an error, and of the Hessian of a loss. */
export type { Eigenvalues } from './lanczos.js';
export { knownLossCurvatures, type LossCurvature, type LossCurvatureOptions } from './loss-curvature.js';
export { knownSpectra, type LayerSpectrum, type LayerSpectrumOptions } from './spectrum.js';
