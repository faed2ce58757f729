/**
 * Keeps the live analysis told of what the open plans say, and the client told of numbers that changed: both at most
 * every tenth of a second, so that neither a fast typist nor a fast analysis floods the other side. The client is asked to ask
 * again only for what would look different.
 */
import { isDeepStrictEqual } from 'node:util';
import { CodeLensRefreshRequest, type Connection } from 'vscode-languageserver';
import { type LiveAnalysis, NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import type { Steps } from '../onnx/index.js';
import { summarizeDecisions } from '../plan/index.js';
import { concludeNoGain } from '../report/index.js';
import { type Finding, findingsOf, findingSteps } from './finding.js';
import type { OpenPlan } from './open-plan.js';
import { targetStatus } from './targets.js';

const INTERVAL_MILLISECONDS = 100;

/** What the client's status item shows. */
export interface StatusNotification {
  readonly path: string;
  readonly state: PlanNumbers['state'];
  readonly message: string;
  /** From 0 to 1. */
  readonly progress: number | undefined;
  /** A sentence for a plan that is no faster than the original on this machine; undefined where it is, or is not timed. */
  readonly noGain: string | undefined;
  /** The targets of the plan, with whether this machine has them as far as that is known. */
  readonly targets: ReturnType<typeof targetStatus>;
}

export interface RefreshAbilities {
  readonly codeLens: boolean;
  readonly inlayHints: boolean;
}

export interface UpdatesParts {
  readonly connection: Connection;
  readonly live: LiveAnalysis;
  readonly abilities: RefreshAbilities;
  /**
   * Does work in slices, with the open plan of a path as it is now and all about it at hand; not at all if it is closed, and
   * begun anew where its text has changed meanwhile. Never rejects.
   */
  readonly withPlan: (name: string, path: string, work: (open: OpenPlan) => Steps<void>) => Promise<void>;
  /** Diagnostics of open plans are no longer what the client was given. */
  readonly diagnosticsChanged: () => void;
}

export class LiveUpdates {
  private readonly changed = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  /** By path: what the client was last told, so that it is asked to ask again only when something differs. */
  private readonly told = new Map<string, PlanNumbers>();
  /** By path: the findings that the client shows, or is about to ask for. */
  private readonly findings = new Map<string, readonly Finding[]>();

  constructor(private readonly parts: UpdatesParts) {
    parts.live.onChange((path) => {
      this.changed.add(path);
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        void this.tell();
      }, INTERVAL_MILLISECONDS);
      this.timer.unref();
    });
  }

  /** A plan as it is now; one that cannot be bound to a model has nothing to analyse. */
  planChanged({ plan, path }: OpenPlan): void {
    if (plan !== undefined) this.parts.live.update(plan);
    else if (path !== undefined) this.parts.live.close(path);
  }

  planClosed(path: string): void {
    this.parts.live.close(path);
    this.told.delete(path);
    this.findings.delete(path);
  }

  /** The client was given the diagnostics of a plan as it is now, with these numbers. */
  diagnosed({ plan, path }: OpenPlan, numbers: PlanNumbers): void {
    // What was found for the diagnostics is at hand.
    if (path !== undefined) this.findings.set(path, plan === undefined ? [] : findingsOf(plan, numbers));
  }

  /** For settings that change what is shown. */
  refreshAll(): void {
    this.refresh(true, true);
  }

  /** Tells of all plans whose numbers changed; the client asks for what it shows once, whichever they are. */
  private async tell(): Promise<void> {
    const paths = [...this.changed];
    this.changed.clear();
    const differences: Differences[] = [];
    const tellOf = this.tellOfSteps.bind(this);
    await Promise.all(
      paths.map((path) =>
        this.parts.withPlan('telling of numbers', path, function* (open) {
          differences.push(yield* tellOf(path, open));
        }),
      ),
    );
    this.refresh(
      differences.some(({ lenses }) => lenses),
      differences.some(({ hints }) => hints),
    );
    if (differences.some(({ diagnostics }) => diagnostics)) this.parts.diagnosticsChanged();
  }

  private *tellOfSteps(path: string, open: OpenPlan): Steps<Differences> {
    const now = this.parts.live.numbers(path);
    const before = this.told.get(path) ?? NOTHING_KNOWN;
    const { state, message, progress } = now;
    const share = progress === undefined || progress.total === 0 ? undefined : progress.done / progress.total;
    const status: StatusNotification = {
      ...{ path, state, message },
      progress: share,
      noGain: noGainOf(open, now),
      targets: targetStatus(open.plan?.targets ?? [], (target) => this.parts.live.findTarget(target)),
    };
    this.ignoreRefusal(this.parts.connection.sendNotification('onnxPrecision/status', status));
    // Finding out what the findings are now is not for every step of a progress.
    const mayDiffer = shownByFindings(now).some((part, index) => part !== shownByFindings(before)[index]);
    yield;
    const lenses = differs(before, now, shownByLenses);
    yield;
    const hints = differs(before, now, shownByHints);
    yield;
    const diagnostics = mayDiffer && (yield* this.findingsDifferSteps(path, open, now));
    // Only now: what is begun anew compares with what the client knows.
    this.told.set(path, now);
    return { lenses, hints, diagnostics };
  }

  /** Whether the client shows other findings than are known now; it counts as told of them. */
  private *findingsDifferSteps(path: string, { plan }: OpenPlan, numbers: PlanNumbers): Steps<boolean> {
    // What the client has not asked for yet it will ask for.
    if (!this.findings.has(path)) return false;
    const now = plan === undefined ? [] : yield* findingSteps(plan, numbers);
    yield;
    const before = this.findings.get(path);
    this.findings.set(path, now);
    return before !== now && !isDeepStrictEqual(before?.map(shownOf), now.map(shownOf));
  }

  private refresh(lenses: boolean, hints: boolean): void {
    const { connection, abilities } = this.parts;
    if (lenses && abilities.codeLens) this.ignoreRefusal(connection.sendRequest(CodeLensRefreshRequest.type));
    if (hints && abilities.inlayHints) this.ignoreRefusal(connection.languages.inlayHint.refresh());
  }

  /** A client that is closing refuses; what it would have shown is of no interest any more. */
  private ignoreRefusal(sending: Promise<unknown>): void {
    sending.catch((error: unknown) => {
      this.parts.connection.console.log(`telling of numbers: ${String(error)}`);
    });
  }
}

/** What the client shows of a finding. */
function shownOf({ diagnostic }: Finding): Finding['diagnostic'] {
  return diagnostic;
}

/** Which of what the client shows is no longer what it would be given. */
interface Differences {
  readonly lenses: boolean;
  readonly hints: boolean;
  readonly diagnostics: boolean;
}

function noGainOf({ plan }: OpenPlan, { latency, latencyIsStale, format }: PlanNumbers): string | undefined {
  if (latency === undefined || latencyIsStale || plan === undefined) return undefined;
  // A plan that lowers nothing is as fast as the original, which says nothing of the format.
  if (summarizeDecisions(plan.decisions).low.layers === 0) return undefined;
  const spread = (which: 'fp32' | 'plan') => ({
    ...{ median: latency.whole[which], p10: latency.p10[which], p90: latency.p90[which] },
  });
  return concludeNoGain(spread('fp32'), spread('plan'), format, latency);
}

/** What hints are written from. */
function shownByHints(numbers: PlanNumbers): readonly unknown[] {
  const { format, sensitivity, others, verdict, verdictIsStale } = numbers;
  return [format, sensitivity, others, verdict, verdictIsStale];
}

/** What findings are made from. */
function shownByFindings(numbers: PlanNumbers): readonly unknown[] {
  const { state, format, sensitivity, ranges, others, verdict, latency, measured, support, sampleNames } =
    numbers;
  const isStale = [numbers.verdictIsStale, numbers.latencyIsStale];
  return [
    state,
    format,
    sensitivity,
    ranges,
    others,
    verdict,
    latency,
    ...isStale,
    measured === undefined,
    support,
    sampleNames,
  ];
}

/**
 * What lenses are written from. Progress is none of it: the status item counts, and a lens that counted would be asked for
 * all the time.
 */
function shownByLenses(numbers: PlanNumbers): readonly unknown[] {
  const { state, message, notes, format, sensitivity, ranges, others, verdict, latency } = numbers;
  const verdicts = verdict?.verdicts.map((one) => [one.tolerance.text, one.measured, one.verdict]);
  const isStale = [numbers.verdictIsStale, numbers.latencyIsStale];
  return [state, message, notes, format, sensitivity, ranges, others, verdicts, latency, isStale];
}

/** Numbers that were found again are equal to the old ones without being the same objects. */
function differs(
  before: PlanNumbers,
  now: PlanNumbers,
  shown: (numbers: PlanNumbers) => readonly unknown[],
): boolean {
  const old = shown(before);
  return shown(now).some((part, index) => part !== old[index] && !isDeepStrictEqual(part, old[index]));
}
