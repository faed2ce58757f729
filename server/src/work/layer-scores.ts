/** What the methods say of layers that give no errors: Hessians, the first order of a loss, eigenvalues. Knows no report. */
import {
  effortOf,
  firstOrderScores,
  hessianScores,
  knownLossCurvatures,
  knownSketch,
  knownSpectra,
  sketchedOutputs,
  type Effort,
  type LayerSpectrum,
  type LossCurvature,
  type Results,
  type SensitivityOptions,
  type SensitivitySubject,
} from '../analysis/index.js';
import { layersMatching, type Layer } from '../plan/index.js';

/** Of which layers the spectrum of the Hessian is asked for, and what is added to it for its determinant. */
export interface SpectrumWish {
  readonly glob: string;
  readonly lambda?: number | undefined;
}

/** What is asked for. */
export interface ScoreWishes {
  readonly hessian: boolean;
  readonly firstOrder: boolean;
  readonly spectrum?: SpectrumWish | undefined;
}

/** Scores of the methods that give no errors, those asked for; undefined where none was. */
export async function layerScores(
  results: Results,
  { model, all, format, tolerances, floatOutputs }: SensitivitySubject,
  wishes: ScoreWishes,
  options: SensitivityOptions,
): Promise<
  (Effort & { readonly byLayer: ReadonlyMap<Layer, Readonly<Record<string, number>>> }) | undefined
> {
  const { spectrum } = wishes;
  const outputs = sketchedOutputs(floatOutputs, tolerances);
  const hessian = wishes.hessian
    ? await knownSketch(results, model, all, format, outputs, { ...options, curvature: true })
    : undefined;
  const { probes: _, labels, ...others } = options;
  const firstOrder = wishes.firstOrder
    ? await knownSketch(results, model, all, format, outputs, {
        ...others,
        direction: labels === undefined ? 'output' : 'loss',
        labels,
      })
    : undefined;
  const looked =
    spectrum === undefined
      ? undefined
      : await knownSpectra(results, layersMatching(all, spectrum.glob), outputs, {
          ...{ lambda: spectrum.lambda, seed: options.seed },
          ...{ signal: options.signal, progress: options.progress },
        });
  const ofLoss =
    spectrum === undefined || labels === undefined
      ? undefined
      : await knownLossCurvatures(results, layersMatching(all, spectrum.glob), outputs, {
          ...{ format, labels, seed: options.seed },
          ...{ signal: options.signal, progress: options.progress },
        });
  if (hessian === undefined && firstOrder === undefined && looked === undefined) return undefined;
  const spectra = new Map(looked?.spectra.map((one) => [one.layer, one]));
  const traces = new Map(
    hessian === undefined ? [] : hessianScores(hessian).map((score) => [score.layer, score]),
  );
  const changes = firstOrder === undefined ? undefined : firstOrderScores(firstOrder);
  const byLayer = new Map(
    all.map((layer): [Layer, Readonly<Record<string, number>>] => {
      const trace = traces.get(layer);
      const change = changes?.get(layer);
      return [
        layer,
        {
          ...(trace === undefined
            ? {}
            : {
                ...{ hessian: trace.all, 'hessian-weights': trace.weights },
                ...(trace.outputTrace === undefined ? {} : { outputTrace: trace.outputTrace }),
                ...(trace.weightTrace === undefined ? {} : { weightTrace: trace.weightTrace }),
              }),
          ...(change === undefined ? {} : { 'first-order': change }),
          ...spectrumScores(spectra.get(layer)),
          ...lossScores(ofLoss?.curvatures.get(layer)),
        },
      ];
    }),
  );
  return { byLayer, ...effortOf(hessian, firstOrder, looked, ofLoss) };
}

function lossScores(curvature: LossCurvature | undefined): Readonly<Record<string, number>> {
  if (curvature === undefined) return {};
  const { trace, largest, firstOrder, secondOrder } = curvature;
  return {
    ...{ lossTrace: trace, lossLargest: largest },
    ...{ lossFirstOrder: firstOrder, lossSecondOrder: secondOrder },
  };
}

function spectrumScores(spectrum: LayerSpectrum | undefined): Readonly<Record<string, number>> {
  const { output, weights } = spectrum ?? {};
  return {
    ...(output && { outputLargest: output.largest, outputLogDeterminant: output.logDeterminant }),
    ...(weights && { weightLargest: weights.largest, weightLogDeterminant: weights.logDeterminant }),
  };
}
