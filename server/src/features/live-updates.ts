/**
 * Keeps the live analysis told of what the open plans say, and the client told of numbers that changed: both at most
 * every tenth of a second, so that neither a fast typist nor a fast analysis floods the other side. The client is asked to ask
 * again only for what would look different.
 */
import { isDeepStrictEqual } from 'node:util';
import { CodeLensRefreshRequest, type Connection } from 'vscode-languageserver';
import { type LiveAnalysis, NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import { summarizeDecisions } from '../plan/index.js';
import { concludeNoGain } from '../report/index.js';
import { findingsOf } from './finding.js';
import type { OpenPlan } from './open-plan.js';

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
   * Does a piece of work in a turn of its own, with the open plan of a path as it is now and all about it at hand; not at all
   * if it is closed. Never rejects.
   */
  readonly withPlan: (name: string, path: string, work: (open: OpenPlan) => void) => Promise<void>;
  /** Diagnostics of open plans are no longer what the client was given. */
  readonly diagnosticsChanged: () => void;
}

export class LiveUpdates {
  private readonly changed = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  /** By path: what the client was last told, so that it is asked to ask again only when something differs. */
  private readonly told = new Map<string, PlanNumbers>();
  /** By path: the findings that the client shows, or is about to ask for. */
  private readonly findings = new Map<string, string>();

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

  /** The client was given the diagnostics of a plan as it is now. */
  diagnosed(open: OpenPlan): void {
    if (open.path !== undefined) this.findings.set(open.path, this.shownFindings(open));
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
    await Promise.all(
      paths.map((path) =>
        this.parts.withPlan('telling of numbers', path, (open) => {
          differences.push(this.tellOf(path, open));
        }),
      ),
    );
    this.refresh(
      differences.some(({ lenses }) => lenses),
      differences.some(({ hints }) => hints),
    );
    if (differences.some(({ diagnostics }) => diagnostics)) this.parts.diagnosticsChanged();
  }

  private tellOf(path: string, open: OpenPlan): Differences {
    const now = this.parts.live.numbers(path);
    const before = this.told.get(path) ?? NOTHING_KNOWN;
    this.told.set(path, now);
    const { state, message, progress } = now;
    const share = progress === undefined || progress.total === 0 ? undefined : progress.done / progress.total;
    const status: StatusNotification = {
      ...{ path, state, message },
      progress: share,
      noGain: noGainOf(open, now),
    };
    this.ignoreRefusal(this.parts.connection.sendNotification('onnxPrecision/status', status));
    // Finding out what the findings are now is not for every step of a progress.
    const mayDiffer = shownByFindings(now).some((part, index) => part !== shownByFindings(before)[index]);
    return {
      lenses: differs(before, now, shownByLenses),
      hints: differs(before, now, shownByHints),
      diagnostics: mayDiffer && this.findingsDiffer(path, open),
    };
  }

  /** Whether the client shows other findings than are known now; it counts as told of them. */
  private findingsDiffer(path: string, open: OpenPlan): boolean {
    const before = this.findings.get(path);
    // What the client has not asked for yet it will ask for.
    if (before === undefined) return false;
    const now = this.shownFindings(open);
    this.findings.set(path, now);
    return now !== before;
  }

  private shownFindings({ plan, path }: OpenPlan): string {
    if (plan === undefined || path === undefined) return '';
    const findings = findingsOf(plan, this.parts.live.numbers(path));
    return JSON.stringify(findings.map(({ diagnostic }) => diagnostic));
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
  return concludeNoGain(latency.whole.fp32, latency.whole.plan, format);
}

/** What hints are written from. */
function shownByHints({ format, sensitivity, verdict, verdictIsStale }: PlanNumbers): readonly unknown[] {
  return [format, sensitivity, verdict, verdictIsStale];
}

/** What findings are made from. */
function shownByFindings(numbers: PlanNumbers): readonly unknown[] {
  const { state, format, sensitivity, ranges, verdict, verdictIsStale, measured, sampleNames } = numbers;
  return [state, format, sensitivity, ranges, verdict, verdictIsStale, measured === undefined, sampleNames];
}

/**
 * What lenses are written from. Progress is none of it: the status item counts, and a lens that counted would be asked for
 * all the time.
 */
function shownByLenses(numbers: PlanNumbers): readonly unknown[] {
  const { state, message, notes, format, sensitivity, ranges, verdict, latency } = numbers;
  const verdicts = verdict?.verdicts.map((one) => [one.tolerance.text, one.measured, one.verdict]);
  const isStale = [numbers.verdictIsStale, numbers.latencyIsStale];
  return [state, message, notes, format, sensitivity, ranges, verdicts, latency, isStale];
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
