/**
 * `latency from "FILE"`: profiles that were taken elsewhere. Finds the files, reads them and says what is wrong with them; which layers
 * their kernels are of is the analysis's to find. Knows no model.
 */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { findOption, quote, type Diagnostic, type LatencyStatement } from '../../language/index.js';
import { readProfile, type Profile, type ProfileProblem } from '../../profiles/index.js';
import { diagnosticIn, type Placed } from '../text/documents.js';
import type { BoundPlan, LatencyFormat, LatencySource, PlanFiles } from '../types.js';

export interface BoundLatencySources {
  readonly sources: readonly LatencySource[];
  /** Files, as they are written, that are none. */
  readonly unread: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Whether the plan takes its latencies from another device, so that nothing is timed on this one: also where no profile can be read. */
export function isTimedElsewhere({
  latencySources = [],
  unreadLatencies = [],
}: Pick<BoundPlan, 'latencySources' | 'unreadLatencies'>): boolean {
  return latencySources.length + unreadLatencies.length > 0;
}

/** Characters of the largest file that is taken apart: more runs tell nothing new, and would hold up an editor. */
const MOST_CHARACTERS = 64e6;

export function bindLatencySources(
  placed: readonly Placed[],
  readText: PlanFiles['readText'],
): BoundLatencySources {
  const sources: LatencySource[] = [];
  const unread: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { statement, file } of placed) {
    if (statement.kind !== 'latency' || statement.file === undefined) continue;
    const { value: written, range } = statement.file;
    const path = resolve(dirname(file.path), written);
    const text = readText(path);
    if (text === undefined) {
      const message =
        `There is no file ${quote(written)} to read (looked for ${path}). Take a profile on the target, of ONNX Runtime or with ` +
        '`trtexec --exportProfile=FILE`, or remove this statement to time layers on this machine.';
      diagnostics.push(diagnosticIn(file, 'latency-missing', 'error', range, message));
      unread.push(written);
      continue;
    }
    const profile = knownProfile(text);
    if ('problem' in profile) {
      const message = `${quote(written)} is no profile that can be read: ${profile.problem}.`;
      diagnostics.push(diagnosticIn(file, 'latency-unreadable', 'error', range, message));
      unread.push(written);
      continue;
    }
    const format = statedFormat(statement);
    if (profile.kind === 'tensorrt' && format === undefined) {
      const message =
        'A file of `trtexec` does not tell in which format layers ran: they are taken for `fp32`. ' +
        'Say which it was with `{ format: fp16 }`.';
      diagnostics.push(diagnosticIn(file, 'latency-format', 'information', range, message));
    }
    const isUntold = format === undefined && hasAddedCasts(profile);
    if (isUntold) {
      const message =
        'This profile is of a model in 16 bits on a processor that computes in FP32 between casts, so that types do not tell which ' +
        'layers are in which format. Say it with `{ format: fp16 }` if that is all of them; as it is, it counts for what no other profile has.';
      diagnostics.push(diagnosticIn(file, 'latency-format', 'information', range, message));
    }
    if (profile.kernels.some(({ isHandedOver }) => isHandedOver === true)) {
      const message =
        'These are the times in which work was handed to the device, not those in which it was done: ONNX Runtime was built without ' +
        'profiling of the device. Shares of layers may mislead; `trtexec --exportProfile=FILE` and a build with CUDA profiling tell more.';
      diagnostics.push(diagnosticIn(file, 'latency-handed-over', 'warning', range, message));
    }
    const source = { path: file.path, range };
    sources.push({ path, written, profile, format, ...(isUntold ? { isUntold } : {}), source });
  }
  return { sources, unread, diagnostics };
}

/** ONNX Runtime put casts round operators for which its processor has no kernel in 16 bits. */
function hasAddedCasts({ kernels }: Profile): boolean {
  return kernels.some(({ name, provider }) => {
    return provider === 'CPUExecutionProvider' && name.startsWith('InsertedPrecisionFreeCast_');
  });
}

const FORMATS: readonly LatencyFormat[] = ['fp32', 'fp16', 'bf16', 'int8'];

function statedFormat(statement: LatencyStatement): LatencyFormat | undefined {
  const value = findOption(statement, 'format')?.value;
  return value?.kind === 'word' ? FORMATS.find((format) => format === value.text) : undefined;
}

/** A plan is bound at every keystroke, and its files stay the same texts. */
const KEPT = 8;
/** Hashes stand for texts, which are many times larger than what is told by them. */
const kept: { readonly hash: string; readonly profile: Profile | ProfileProblem }[] = [];

/** The same object for the same text, while it is among those asked for last. */
function knownProfile(text: string): Profile | ProfileProblem {
  if (text.length > MOST_CHARACTERS)
    return {
      problem: `it is larger than ${MOST_CHARACTERS / 1e6} MB; profile fewer runs, twenty are plenty`,
    };
  const hash = createHash('sha256').update(text).digest('hex');
  const at = kept.findIndex((one) => one.hash === hash);
  const [found] = at < 0 ? [] : kept.splice(at, 1);
  const made = found ?? { hash, profile: readProfile(text) };
  kept.unshift(made);
  kept.length = Math.min(kept.length, KEPT);
  return made.profile;
}
